package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The end of a task, and of the call that brought it, if one did.
///
/// @param state one of the states that are an end
/// @param reason why it is not a success, in words for the caller; empty for a success
/// @param totalCostUsd what all calls of the task cost, the classification included
/// @param replay how often an operator had sent the task on again after it was set aside
public record TaskEnded(
    String taskId,
    TaskState state,
    String reason,
    @Nullable Decision decision,
    List<TriedTier> tried,
    @Nullable CallEnded call,
    BigDecimal totalCostUsd,
    Instant endedAt,
    int replay)
    implements Step {

  @SuppressWarnings("ConstantValue") // JSON may leave it out
  public TaskEnded {
    InvalidFieldException.require("task_id", taskId);
    InvalidFieldException.require("state", state);
    InvalidFieldException.require("reason", reason);
    InvalidFieldException.require("total_cost_usd", totalCostUsd);
    InvalidFieldException.require("ended_at", endedAt);
    tried = tried == null ? List.of() : List.copyOf(tried);
    if (!state.isEnd()) {
      throw new InvalidFieldException("state", state.wire() + " is not an end");
    }
  }

  @Override
  public String eventId() {
    if (call != null) {
      return call.eventId();
    }
    return replay == 0
        ? taskId + "/" + state.wire()
        : "%s/%s.%d".formatted(taskId, state.wire(), replay);
  }

  /// The end as its caller sees it.
  public Result result() {
    if (call == null || !(call.outcome() instanceof Outcome.Answered answered)) {
      return Result.withoutAnswer(this);
    }
    return new Result(
        taskId,
        null,
        call.model(),
        answered.text(),
        call.elapsedSeconds(),
        call.usage().inputTokens(),
        call.usage().outputTokens(),
        call.usage().costUsd(),
        endedAt.truncatedTo(java.time.temporal.ChronoUnit.SECONDS),
        state,
        call.tier(),
        call.usage().resolvedModel(),
        answered.structured(),
        answered.truncated() ? true : null,
        totalCostUsd,
        decision,
        tried,
        call.simulated(),
        null);
  }
}
