package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// How a call ended. Named by what happens next; a switch over it has no default branch.
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Outcome.Answered.class, name = "answered"),
  @JsonSubTypes.Type(value = Outcome.Limited.class, name = "limited"),
  @JsonSubTypes.Type(value = Outcome.Overloaded.class, name = "overloaded"),
  @JsonSubTypes.Type(value = Outcome.TimedOut.class, name = "timed_out"),
  @JsonSubTypes.Type(value = Outcome.Cancelled.class, name = "cancelled"),
  @JsonSubTypes.Type(value = Outcome.Refused.class, name = "refused"),
  @JsonSubTypes.Type(value = Outcome.Unauthenticated.class, name = "unauthenticated"),
  @JsonSubTypes.Type(value = Outcome.Crashed.class, name = "crashed"),
  @JsonSubTypes.Type(value = Outcome.Unreadable.class, name = "unreadable"),
  @JsonSubTypes.Type(value = Outcome.Unknown.class, name = "unknown")
})
public sealed interface Outcome {

  /// What the caller is told. For an answer this is empty.
  String message();

  /// The model answered.
  ///
  /// @param truncated the answer was longer than a result may be, and was cut
  record Answered(String text, @Nullable JsonNode structured, boolean truncated)
      implements Outcome {

    @Override
    public String message() {
      return "";
    }
  }

  /// Not now: a rate or subscription limit. Costs the task no attempt.
  ///
  /// @param until when the limit ends, if the program said so
  /// @param source how `until` is known, or `unknown`
  record Limited(@Nullable Instant until, String source, String message) implements Outcome {}

  /// The service is in trouble or out of reach; the same call may work a moment later.
  record Overloaded(String message) implements Outcome {}

  /// Our own deadline ended the call.
  record TimedOut(String message) implements Outcome {}

  /// The call was ended because its task was cancelled, or because the worker had to stop.
  record Cancelled(String message) implements Outcome {}

  /// The service will never take this request.
  record Refused(Refusal refusal, String message) implements Outcome {}

  /// The program has no valid login.
  record Unauthenticated(String message) implements Outcome {}

  /// The program ended without saying anything useful.
  record Crashed(int exitCode, String message) implements Outcome {}

  /// The program said something that cannot be understood.
  record Unreadable(String message) implements Outcome {}

  /// The call began and its end was never reported.
  record Unknown(String message) implements Outcome {}

  /// Why a request was refused.
  enum Refusal implements WireEnum {
    BAD_REQUEST,
    TOO_LARGE,
    UNKNOWN_MODEL
  }

  /// The name of this outcome on the wire and in the ledger.
  default String kind() {
    return switch (this) {
      case Answered _ -> "answered";
      case Limited _ -> "limited";
      case Overloaded _ -> "overloaded";
      case TimedOut _ -> "timed_out";
      case Cancelled _ -> "cancelled";
      case Refused _ -> "refused";
      case Unauthenticated _ -> "unauthenticated";
      case Crashed _ -> "crashed";
      case Unreadable _ -> "unreadable";
      case Unknown _ -> "unknown";
    };
  }

  /// Whether the same call may work a moment later.
  @JsonIgnore
  default boolean isTransient() {
    return switch (this) {
      case Overloaded _, Crashed _, Unreadable _ -> true;
      case Answered _,
          Limited _,
          TimedOut _,
          Cancelled _,
          Refused _,
          Unauthenticated _,
          Unknown _ ->
          false;
    };
  }
}
