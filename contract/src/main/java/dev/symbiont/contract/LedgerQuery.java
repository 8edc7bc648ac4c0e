package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A question to the ledger-writer; answered by the [LedgerAnswer] of the same name.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "query")
@JsonSubTypes({
  @JsonSubTypes.Type(value = LedgerQuery.TaskById.class, name = "task"),
  @JsonSubTypes.Type(value = LedgerQuery.Tasks.class, name = "tasks"),
  @JsonSubTypes.Type(value = LedgerQuery.Entries.class, name = "entries"),
  @JsonSubTypes.Type(value = LedgerQuery.Events.class, name = "events"),
  @JsonSubTypes.Type(value = LedgerQuery.Stats.class, name = "stats"),
  @JsonSubTypes.Type(value = LedgerQuery.Status.class, name = "status"),
  @JsonSubTypes.Type(value = LedgerQuery.Cancel.class, name = "cancel"),
  @JsonSubTypes.Type(value = LedgerQuery.Heartbeat.class, name = "heartbeat"),
  @JsonSubTypes.Type(value = LedgerQuery.DeadLetters.class, name = "dead_letters"),
  @JsonSubTypes.Type(value = LedgerQuery.Replay.class, name = "replay"),
  @JsonSubTypes.Type(value = LedgerQuery.Discard.class, name = "discard"),
  @JsonSubTypes.Type(value = LedgerQuery.Reconcile.class, name = "reconcile"),
  @JsonSubTypes.Type(value = LedgerQuery.Tiers.class, name = "tiers"),
  @JsonSubTypes.Type(value = LedgerQuery.SetTier.class, name = "set_tier"),
  @JsonSubTypes.Type(value = LedgerQuery.Keys.class, name = "keys"),
  @JsonSubTypes.Type(value = LedgerQuery.SetKey.class, name = "set_key"),
  @JsonSubTypes.Type(value = LedgerQuery.Tokens.class, name = "tokens")
})
public sealed interface LedgerQuery extends Message {

  String requestId();

  String replyKey();

  record TaskById(String requestId, String replyKey, String taskId) implements LedgerQuery {}

  /// Tasks, newest first. What is absent is not asked for.
  ///
  /// @param label `name=value`
  /// @param since accepted then or later
  /// @param until accepted before
  /// @param text somewhere in the first characters of the prompt
  /// @param owner id of the key that they were submitted with
  /// @param cursor the `next` of the page before
  record Tasks(
      String requestId,
      String replyKey,
      int limit,
      @Nullable TaskState state,
      @Nullable String tier,
      @Nullable String label,
      @Nullable Instant since,
      @Nullable Instant until,
      @Nullable String text,
      @Nullable String owner,
      @Nullable String cursor)
      implements LedgerQuery {}

  /// Lines of the ledger, newest first. What is absent is not asked for.
  ///
  /// @param label `name=value`, of the task
  /// @param since ended then or later
  /// @param until ended before
  /// @param owner id of the key that the task was submitted with
  /// @param cursor the `next` of the page before
  record Entries(
      String requestId,
      String replyKey,
      int limit,
      @Nullable String model,
      @Nullable String tier,
      @Nullable String label,
      @Nullable Boolean success,
      @Nullable Instant since,
      @Nullable Instant until,
      @Nullable String owner,
      @Nullable String cursor)
      implements LedgerQuery {

    public static Entries newest(String requestId, String replyKey, int limit) {
      return new Entries(
          requestId, replyKey, limit, null, null, null, null, null, null, null, null);
    }
  }

  /// What has happened, in the order of the journal.
  ///
  /// @param after the `id` of an event, and only what came after it; if absent, all of a task, or
  ///   of all tasks what comes from now on
  /// @param taskId only this task's; all if absent
  /// @param owner id of the key that the tasks were submitted with; all if absent
  record Events(
      String requestId,
      String replyKey,
      @Nullable Long after,
      @Nullable String taskId,
      @Nullable String owner)
      implements LedgerQuery {}

  /// Sums over all calls.
  ///
  /// @param groupBy what to add them up by, too: `model`, `tier`, `purpose`, `outcome`, `day`,
  ///   `hour`, `day,tier`, `hour,tier`, or `label:` and its name
  /// @param owner id of the key that the tasks were submitted with; all if absent
  record Stats(String requestId, String replyKey, @Nullable String groupBy, @Nullable String owner)
      implements LedgerQuery {}

  /// What calls have used, by tier and purpose. What is absent is not asked for.
  ///
  /// @param since ended then or later
  /// @param until ended before
  /// @param owner id of the key that the tasks were submitted with
  record Tokens(
      String requestId,
      String replyKey,
      @Nullable Instant since,
      @Nullable Instant until,
      @Nullable String owner)
      implements LedgerQuery {}

  record Status(String requestId, String replyKey) implements LedgerQuery {}

  record Cancel(String requestId, String replyKey, String taskId) implements LedgerQuery {}

  /// What was set aside, newest first, and how much of it for which cause.
  ///
  /// @param cause only those with this cause; all if absent
  record DeadLetters(String requestId, String replyKey, int limit, @Nullable String cause)
      implements LedgerQuery {}

  /// Send on again what was set aside.
  ///
  /// @param tier where to; where it was decided to go at first if absent
  /// @param task the prompt to use from now on; as it was if absent
  record Replay(
      String requestId,
      String replyKey,
      String taskId,
      @Nullable String tier,
      @Nullable String task)
      implements LedgerQuery {
    public Replay {
      if (task != null) {
        Task.of(task); // the same rules hold for it
      }
    }
  }

  /// Leave it set aside for good.
  record Discard(String requestId, String replyKey, String taskId) implements LedgerQuery {}

  /// Hold tasks, calls, money and queues against each other.
  ///
  /// @param redrive whether to publish again the latest message of tasks that no queue holds
  record Reconcile(String requestId, String replyKey, boolean redrive) implements LedgerQuery {}

  /// How every tier stands.
  record Tiers(String requestId, String replyKey) implements LedgerQuery {}

  /// Open or close a tier by hand.
  record SetTier(String requestId, String replyKey, String tier, TierSet.Action action)
      implements LedgerQuery {}

  /// Every key to the gateways.
  record Keys(String requestId, String replyKey) implements LedgerQuery {}

  /// Make, change or revoke a key.
  ///
  /// @param key how it shall stand
  record SetKey(String requestId, String replyKey, AccessKey key) implements LedgerQuery {}

  /// Take a health snapshot now.
  record Heartbeat(String requestId, String replyKey) implements LedgerQuery {}
}
