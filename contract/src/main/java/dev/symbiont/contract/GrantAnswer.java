package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// The ledger's answer to a [GrantRequest]. Only [Granted] allows a call.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "answer")
@JsonSubTypes({
  @JsonSubTypes.Type(value = GrantAnswer.Granted.class, name = "granted"),
  @JsonSubTypes.Type(value = GrantAnswer.Finished.class, name = "finished"),
  @JsonSubTypes.Type(value = GrantAnswer.Running.class, name = "running"),
  @JsonSubTypes.Type(value = GrantAnswer.NotBefore.class, name = "not_before"),
  @JsonSubTypes.Type(value = GrantAnswer.Closed.class, name = "closed"),
  @JsonSubTypes.Type(value = GrantAnswer.OverBudget.class, name = "over_budget"),
  @JsonSubTypes.Type(value = GrantAnswer.Cancelled.class, name = "cancelled"),
  @JsonSubTypes.Type(value = GrantAnswer.Expired.class, name = "expired"),
  @JsonSubTypes.Type(value = GrantAnswer.Exhausted.class, name = "exhausted"),
  @JsonSubTypes.Type(value = GrantAnswer.Unknown.class, name = "unknown")
})
public sealed interface GrantAnswer extends Message {

  String requestId();

  /// Make the call; it has this id. Its beginning is on disk.
  ///
  /// @param startWithin a call that cannot begin this soon after it was asked for must not begin at
  ///   all, or the tier's rate would be exceeded later; no such bound if absent
  record Granted(String requestId, String callId, @Nullable Duration startWithin, Spent spent)
      implements GrantAnswer {}

  /// This step was done before. If the task has ended with a result, here it is, to be sent on.
  record Finished(String requestId, @Nullable TaskEnded end) implements GrantAnswer {}

  /// Somebody who is alive makes this call now.
  record Running(String requestId, String worker) implements GrantAnswer {}

  /// The tier's rate is used up. Ask again after `retryAfter`, which differs from asker to asker,
  /// so that they do not all come at once.
  record NotBefore(String requestId, Duration retryAfter, Spent spent) implements GrantAnswer {}

  /// The tier takes no calls.
  ///
  /// @param until when it may be tried again; absent if somebody has to do something first
  record Closed(String requestId, String reason, @Nullable Instant until, Spent spent)
      implements GrantAnswer {}

  /// The call could cost more than what is left.
  ///
  /// @param until when there is money again; absent if never
  record OverBudget(
      String requestId, WhenSpent whenSpent, String reason, @Nullable Instant until, Spent spent)
      implements GrantAnswer {}

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
