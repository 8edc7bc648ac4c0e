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
  @JsonSubTypes.Type(value = LedgerAnswer.Entries.class, name = "entries"),
  @JsonSubTypes.Type(value = LedgerAnswer.Stats.class, name = "stats"),
  @JsonSubTypes.Type(value = LedgerAnswer.Status.class, name = "status"),
  @JsonSubTypes.Type(value = LedgerAnswer.Cancel.class, name = "cancel"),
  @JsonSubTypes.Type(value = LedgerAnswer.Heartbeat.class, name = "heartbeat")
})
public sealed interface LedgerAnswer extends Message {

  String requestId();

  /// One task.
  ///
  /// @param task absent when the ledger knows no task of that id
  record TaskById(String requestId, @Nullable TaskView task) implements LedgerAnswer {}

  /// The newest calls.
  ///
  /// @param entries lines of `ledger.jsonl`, newest first
  record Entries(String requestId, List<JsonNode> entries) implements LedgerAnswer {}

  record Stats(
      String requestId,
      long totalCalls,
      BigDecimal totalCostUsd,
      Map<String, Calls> byModel,
      Map<String, Calls> byDate)
      implements LedgerAnswer {}

  /// How busy the fleet is.
  ///
  /// @param queueSize tasks that are neither running nor ended
  /// @param today consumption of this day (UTC) by tier
  /// @param limitedTiers tiers whose latest call reported a limit
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

  /// How many calls, and what they cost.
  record Calls(long calls, BigDecimal cost) {}

  /// How many calls, and how many tokens went in and out.
  record Consumption(long callsToday, long tokensUsed) {}

  /// What became of a cancellation.
  enum CancelVerdict implements WireEnum {
    /// The task will not be called.
    CANCELLED,
    /// A call for it is under way, and is not interrupted.
    RUNNING,
    /// It had ended before.
    ENDED,
    /// The ledger knows no such task.
    UNKNOWN
  }

  /// All that is known of a task.
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record TaskView(
      String id,
      TaskState state,
      @Nullable String task,
      @Nullable Instant acceptedAt,
      @Nullable Instant endedAt,
      @Nullable String tier,
      @Nullable Decision decision,
      List<CallView> calls,
      @Nullable TaskEnded end) {}

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
