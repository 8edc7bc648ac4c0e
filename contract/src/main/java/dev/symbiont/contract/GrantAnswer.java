package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.jspecify.annotations.Nullable;

/// The ledger's answer to a [GrantRequest]. Only [Granted] allows a call.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "answer")
@JsonSubTypes({
  @JsonSubTypes.Type(value = GrantAnswer.Granted.class, name = "granted"),
  @JsonSubTypes.Type(value = GrantAnswer.Finished.class, name = "finished"),
  @JsonSubTypes.Type(value = GrantAnswer.Running.class, name = "running"),
  @JsonSubTypes.Type(value = GrantAnswer.Cancelled.class, name = "cancelled"),
  @JsonSubTypes.Type(value = GrantAnswer.Expired.class, name = "expired"),
  @JsonSubTypes.Type(value = GrantAnswer.Exhausted.class, name = "exhausted"),
  @JsonSubTypes.Type(value = GrantAnswer.Unknown.class, name = "unknown")
})
public sealed interface GrantAnswer extends Message {

  String requestId();

  /// Make the call; it has this id. Its beginning is on disk.
  record Granted(String requestId, String callId, Spent spent) implements GrantAnswer {}

  /// This step was done before. If the task has ended with a result, here it is, to be sent on.
  record Finished(String requestId, @Nullable TaskEnded end) implements GrantAnswer {}

  /// Somebody who is alive makes this call now.
  record Running(String requestId, String worker) implements GrantAnswer {}

  /// The task was cancelled before this call began.
  record Cancelled(String requestId) implements GrantAnswer {}

  /// The deadline of the task has passed.
  record Expired(String requestId, Spent spent) implements GrantAnswer {}

  /// A call of this step began, nobody knows how it ended, and the tier is not to be called again
  /// for it.
  record Unknown(String requestId, String callId, Spent spent) implements GrantAnswer {}

  /// So many calls were begun for this step, and none brought an answer: no more.
  record Exhausted(String requestId, int calls, Spent spent) implements GrantAnswer {}
}
