package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// The ledger-writer's answer to a [LedgerQuery].
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "answer")
@JsonSubTypes({
  @JsonSubTypes.Type(value = LedgerAnswer.TaskById.class, name = "task"),
  @JsonSubTypes.Type(value = LedgerAnswer.Tasks.class, name = "tasks"),
  @JsonSubTypes.Type(value = LedgerAnswer.Entries.class, name = "entries"),
  @JsonSubTypes.Type(value = LedgerAnswer.Events.class, name = "events"),
  @JsonSubTypes.Type(value = LedgerAnswer.Stats.class, name = "stats"),
  @JsonSubTypes.Type(value = LedgerAnswer.Status.class, name = "status"),
  @JsonSubTypes.Type(value = LedgerAnswer.Cancel.class, name = "cancel"),
  @JsonSubTypes.Type(value = LedgerAnswer.Heartbeat.class, name = "heartbeat"),
  @JsonSubTypes.Type(value = LedgerAnswer.DeadLetters.class, name = "dead_letters"),
  @JsonSubTypes.Type(value = LedgerAnswer.Replay.class, name = "replay"),
  @JsonSubTypes.Type(value = LedgerAnswer.Discard.class, name = "discard"),
  @JsonSubTypes.Type(value = LedgerAnswer.Reconcile.class, name = "reconcile"),
  @JsonSubTypes.Type(value = LedgerAnswer.Tiers.class, name = "tiers"),
  @JsonSubTypes.Type(value = LedgerAnswer.SetTier.class, name = "set_tier"),
  @JsonSubTypes.Type(value = LedgerAnswer.Keys.class, name = "keys"),
  @JsonSubTypes.Type(value = LedgerAnswer.SetKey.class, name = "set_key"),
  @JsonSubTypes.Type(value = LedgerAnswer.Tokens.class, name = "tokens")
})
public sealed interface LedgerAnswer extends Message {

  String requestId();

  /// One task.
  ///
  /// @param task absent when the ledger knows no task of that id
  record TaskById(String requestId, @Nullable TaskView task) implements LedgerAnswer {}

  /// Tasks, newest first.
  ///
  /// @param next the cursor of the next page, if there may be one
  /// @param invalid what is wrong with the question, if something is
  record Tasks(
      String requestId, List<TaskRow> tasks, @Nullable String next, @Nullable String invalid)
      implements LedgerAnswer {}

  /// Calls.
  ///
  /// @param entries lines of `ledger.jsonl`, newest first
  /// @param next the cursor of the next page, if there may be one
  /// @param invalid what is wrong with the question, if something is
  record Entries(
      String requestId, List<JsonNode> entries, @Nullable String next, @Nullable String invalid)
      implements LedgerAnswer {}

  /// Some of what has happened.
  ///
  /// @param events in the order of the journal
  /// @param next to go on from, as `after`
  /// @param more whether there is more already
  record Events(String requestId, List<TaskEvent> events, long next, boolean more)
      implements LedgerAnswer {}

  /// Sums over all calls. One that was corrected counts once.
  ///
  /// @param groups by what was asked for, if something was; what has none is under the empty name
  record Stats(
      String requestId,
      long totalCalls,
      BigDecimal totalCostUsd,
      Map<String, Calls> byModel,
      Map<String, Calls> byDate,
      @Nullable Map<String, Calls> groups)
      implements LedgerAnswer {}

  /// What calls have used.
  ///
  /// @param since when the first of them ended; absent if there is none
  record Tokens(String requestId, List<TokenSum> sums, @Nullable Instant since)
      implements LedgerAnswer {}

  /// What the calls to one tier for one purpose have used.
  record TokenSum(
      String tier,
      Purpose purpose,
      long calls,
      long inputTokens,
      long outputTokens,
      long cacheWriteTokens,
      long cacheReadTokens,
      BigDecimal costUsd) {}

  /// How busy the fleet is.
  ///
  /// @param queueSize tasks that are neither running nor ended
  /// @param today consumption of this day (UTC) by tier
  /// @param limitedTiers tiers that are closed because of a limit
  record Status(
      String requestId,
      long queueSize,
      long running,
      @Nullable Instant lastHeartbeat,
      Map<String, Consumption> today,
      List<String> limitedTiers,
      List<WorkerBeat> workers)
      implements LedgerAnswer {}

  record Cancel(String requestId, CancelVerdict verdict) implements LedgerAnswer {}

  /// A health snapshot.
  ///
  /// @param snapshot the line that was added to `heartbeat.jsonl`
  record Heartbeat(String requestId, JsonNode snapshot) implements LedgerAnswer {}

  /// What was set aside.
  ///
  /// @param byCause how many there are in all, for each cause
  /// @param letters newest first
  record DeadLetters(String requestId, Map<String, Long> byCause, List<DeadLetter> letters)
      implements LedgerAnswer {}

  record Replay(String requestId, LetterVerdict verdict) implements LedgerAnswer {}

  record Discard(String requestId, LetterVerdict verdict) implements LedgerAnswer {}

  /// What does not fit, and what it all adds up to.
  ///
  /// @param beginningsWithoutEnds calls that are under way, or of which nobody has told the end yet
  /// @param endsWithoutBeginnings calls that ended and were never granted
  /// @param answeredTwice tasks with more than one answer that was paid for
  /// @param stranded open tasks that nobody works on and that no queue seems to hold
  /// @param redriven how many of these were published again
  /// @param callsPerTask how many tasks have so many calls
  /// @param dearestTasks the tasks that cost most, and what
  /// @param costByBasis what the calls cost, by where the amount comes from
  /// @param ledgerCostUsd the sum of the lines of `ledger.jsonl`, corrections counted once
  /// @param indexCostUsd what the statistics say, which must be the same
  record Reconcile(
      String requestId,
      List<String> beginningsWithoutEnds,
      List<String> endsWithoutBeginnings,
      List<String> answeredTwice,
      List<String> stranded,
      int redriven,
      Map<String, Long> callsPerTask,
      Map<String, BigDecimal> dearestTasks,
      Map<String, BigDecimal> costByBasis,
      BigDecimal ledgerCostUsd,
      BigDecimal indexCostUsd)
      implements LedgerAnswer {}

  /// How every tier stands, cheapest first, and what the budgets have left.
  record Tiers(String requestId, List<TierView> tiers, List<BudgetView> budgets)
      implements LedgerAnswer {}

  /// How the tier stands now.
  ///
  /// @param state absent if the ledger-writer knows no such tier
  record SetTier(String requestId, @Nullable TierState state) implements LedgerAnswer {}

  /// Every key to the gateways, the revoked ones as well.
  record Keys(String requestId, List<AccessKey> keys) implements LedgerAnswer {}

  /// How the key stands now.
  ///
  /// @param key absent if there is nothing to change: it was revoked before
  record SetKey(String requestId, @Nullable AccessKey key) implements LedgerAnswer {}

  /// One tier.
  ///
  /// @param rateUsed calls that were granted within the period of its rate
  /// @param waiting messages in its queues
  /// @param parked messages of tasks that wait for it
  /// @param running calls under way
  /// @param spentTodayUsd what its calls of today (UTC) cost, running ones as reserved
  record TierView(
      TierState state,
      Tier.Rate rate,
      int rateUsed,
      long waiting,
      long parked,
      long running,
      BigDecimal spentTodayUsd) {}

  /// One budget, as far as it is touched today.
  ///
  /// @param scope `fleet`, `tier:opus`, or `label:team=alpha`
  record BudgetView(
      String scope, BigDecimal usdPerDay, BigDecimal spentTodayUsd, WhenSpent whenSpent) {}

  /// A task that was set aside, or a message that is none.
  ///
  /// @param cause the reason without what differs from letter to letter
  /// @param calls how many calls were made for it, and what they cost
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record DeadLetter(
      String id,
      @Nullable Instant at,
      String reason,
      String cause,
      @Nullable String tier,
      int replays,
      Calls calls) {}

  /// What became of a replay or a discard.
  enum LetterVerdict implements WireEnum {
    DONE,

    /// It is not set aside, or no longer.
    NOT_SET_ASIDE,

    /// The ledger knows nothing of that id.
    UNKNOWN,

    /// It was never routed, and no tier was named to send it to.
    NO_TIER,

    /// The tier that was named is not configured.
    UNKNOWN_TIER,

    /// The message itself is no longer in the queue of the dead letters.
    GONE
  }

  /// How many calls, and what they cost.
  record Calls(long calls, BigDecimal cost) {}

  /// How many calls, and how many tokens went in and out.
  record Consumption(long callsToday, long tokensUsed) {}

  /// What became of a cancellation.
  enum CancelVerdict implements WireEnum {
    /// The task will not be called.
    CANCELLED,
    /// A call for it is under way and is being ended.
    STOPPING,
    /// A call for it is under way, and a ledger-writer of an earlier version leaves it alone.
    RUNNING,
    /// It had ended before.
    ENDED,
    /// The ledger knows no such task.
    UNKNOWN
  }

  /// All that is known of a task.
  ///
  /// @param fingerprint of what was asked for: another task under the same id has another one
  /// @param waitsUntil when a waiting task goes on, as far as that is known
  /// @param reason why it was set aside or waits, if it does
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record TaskView(
      String id,
      TaskState state,
      @Nullable String task,
      @Nullable String fingerprint,
      @Nullable Instant acceptedAt,
      @Nullable Instant endedAt,
      @Nullable String tier,
      @Nullable Decision decision,
      Map<String, String> labels,
      List<CallView> calls,
      @Nullable TaskEnded end,
      @Nullable Instant waitsUntil,
      @Nullable String reason) {}

  /// A task in a list.
  ///
  /// @param preview the first characters of the prompt
  /// @param costUsd what its calls cost, running ones as reserved
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record TaskRow(
      String id,
      TaskState status,
      @Nullable String preview,
      @Nullable Instant createdAt,
      @Nullable Instant endedAt,
      @Nullable String tier,
      Map<String, String> labels,
      int calls,
      BigDecimal costUsd,
      @Nullable String reason) {}

  /// Something that happened to a task.
  ///
  /// @param id its place in the journal; later events have greater ones
  /// @param event accepted, classifying, declined, routed, waiting, started, call_ended,
  ///   cancel_requested, succeeded, failed, cancelled, expired, set_aside, or discarded
  /// @param data what there is to say of it
  record TaskEvent(long id, String taskId, String event, Instant at, JsonNode data) {}

  /// One call of a task; `outcome` is `running` until its end is known.
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record CallView(
      String callId,
      Purpose purpose,
      String tier,
      int attempt,
      String worker,
      Instant grantedAt,
      String outcome,
      @Nullable BigDecimal costUsd) {}
}
