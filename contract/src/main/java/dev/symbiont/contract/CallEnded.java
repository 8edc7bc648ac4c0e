package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// The recorded end of a call.
///
/// @param model the model name that was asked for
/// @param elapsedSeconds from start to end of the call, three decimals
/// @param promptPreview the first characters of the prompt, on one line
/// @param warning what the program said about a limit that comes near, if it said anything
/// @param accepted the task, carried on to the router by the end of a classification; absent
///   otherwise
public record CallEnded(
    String callId,
    String taskId,
    Purpose purpose,
    String tier,
    String model,
    int attempt,
    String worker,
    Instant endedAt,
    BigDecimal elapsedSeconds,
    Outcome outcome,
    Usage usage,
    boolean simulated,
    String promptPreview,
    @Nullable LimitWarning warning,
    @Nullable AcceptedTask accepted)
    implements Step {

  /// A limit comes near.
  ///
  /// @param utilization how much of it is used, from 0 to 1
  /// @param resetsAt when it begins anew
  public record LimitWarning(BigDecimal utilization, @Nullable Instant resetsAt) {}

  /// The end of a call that was granted to a request and never made.
  public static CallEnded neverMade(
      GrantRequest request, String callId, String model, Instant at, String why) {
    return new CallEnded(
        callId,
        request.taskId(),
        request.purpose(),
        request.tier(),
        model,
        request.attempt(),
        request.worker(),
        at,
        BigDecimal.valueOf(0, 3),
        new Outcome.Cancelled(why),
        Usage.NONE,
        false,
        request.promptPreview(),
        null,
        null);
  }

  public CallEnded {
    InvalidFieldException.require("call_id", callId);
    InvalidFieldException.require("task_id", taskId);
    InvalidFieldException.require("purpose", purpose);
    InvalidFieldException.require("tier", tier);
    InvalidFieldException.require("model", model);
    InvalidFieldException.require("worker", worker);
    InvalidFieldException.require("ended_at", endedAt);
    InvalidFieldException.require("elapsed_seconds", elapsedSeconds);
    InvalidFieldException.require("outcome", outcome);
    InvalidFieldException.require("usage", usage);
    InvalidFieldException.require("prompt_preview", promptPreview);
  }

  private static final int PREVIEW_LENGTH = 100;
  private static final int DELETE = 0x7f;

  @Override
  public String eventId() {
    return eventId(callId);
  }

  /// The event id of the end of a call, which is the same whichever message carries it.
  public static String eventId(String callId) {
    return callId + "/ended";
  }

  public boolean succeeded() {
    return outcome instanceof Outcome.Answered;
  }

  public CallEnded carrying(AcceptedTask task) {
    return new CallEnded(
        callId,
        taskId,
        purpose,
        tier,
        model,
        attempt,
        worker,
        endedAt,
        elapsedSeconds,
        outcome,
        usage,
        simulated,
        promptPreview,
        warning,
        task);
  }

  /// The first characters of a prompt, with everything that could break a line or a terminal
  /// replaced.
  public static String preview(String prompt) {
    int end = Math.min(prompt.length(), PREVIEW_LENGTH);
    if (end < prompt.length() && Character.isHighSurrogate(prompt.charAt(end - 1))) {
      end--;
    }
    String head = prompt.substring(0, end);
    if (head.chars().allMatch(c -> c >= ' ' && c < DELETE)) {
      return head.strip();
    }
    return head.codePoints()
        .map(c -> isUnprintable(c) ? ' ' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString()
        .strip();
  }

  private static boolean isUnprintable(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.FORMAT ->
          true;
      default -> false;
    };
  }
}
