package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A dispatcher asks whether it may make a call.
///
/// @param requestId the same for every repetition of this question, which therefore gets the same
///   answer
/// @param waits how often the task had waited for a tier when it was sent here
/// @param tryNumber which call at this tier this is, from 1
/// @param redelivered the broker had given the work to somebody before
/// @param maxCostUsd what all calls of the task may cost; no bound if absent
/// @param labels of the task, for budgets
public record GrantRequest(
    String requestId,
    String replyKey,
    String taskId,
    Purpose purpose,
    String tier,
    int attempt,
    int waits,
    int tryNumber,
    String worker,
    boolean redelivered,
    Priority priority,
    @Nullable Instant deadline,
    @Nullable BigDecimal maxCostUsd,
    Map<String, String> labels,
    String promptPreview)
    implements Message {

  @SuppressWarnings("ConstantValue") // JSON may leave it out
  public GrantRequest {
    priority = priority == null ? Priority.NORMAL : priority;
    labels = labels == null ? Map.of() : Map.copyOf(labels);
  }
}
