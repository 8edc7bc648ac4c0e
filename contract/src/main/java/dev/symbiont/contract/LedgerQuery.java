package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/// A question to the ledger-writer; answered by the [LedgerAnswer] of the same name.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "query")
@JsonSubTypes({
  @JsonSubTypes.Type(value = LedgerQuery.TaskById.class, name = "task"),
  @JsonSubTypes.Type(value = LedgerQuery.Entries.class, name = "entries"),
  @JsonSubTypes.Type(value = LedgerQuery.Stats.class, name = "stats"),
  @JsonSubTypes.Type(value = LedgerQuery.Status.class, name = "status"),
  @JsonSubTypes.Type(value = LedgerQuery.Cancel.class, name = "cancel"),
  @JsonSubTypes.Type(value = LedgerQuery.Heartbeat.class, name = "heartbeat")
})
public sealed interface LedgerQuery extends Message {

  String requestId();

  String replyKey();

  record TaskById(String requestId, String replyKey, String taskId) implements LedgerQuery {}

  /// The newest lines of the ledger.
  record Entries(String requestId, String replyKey, int limit) implements LedgerQuery {}

  record Stats(String requestId, String replyKey) implements LedgerQuery {}

  record Status(String requestId, String replyKey) implements LedgerQuery {}

  record Cancel(String requestId, String replyKey, String taskId) implements LedgerQuery {}

  /// Take a health snapshot now.
  record Heartbeat(String requestId, String replyKey) implements LedgerQuery {}
}
