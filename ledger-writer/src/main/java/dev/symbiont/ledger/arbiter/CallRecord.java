package dev.symbiont.ledger.arbiter;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Purpose;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What the arbiter remembers of a call.
///
/// @param waits how often the task had waited for a tier before
/// @param opening how often the tier had opened before
/// @param labels of the task, those that a budget names
/// @param outcome absent while the call is open
/// @param elapsedSeconds the same
public record CallRecord(
    String callId,
    String taskId,
    String requestId,
    Purpose purpose,
    String tier,
    String model,
    int attempt,
    int waits,
    long opening,
    String worker,
    Instant grantedAt,
    BigDecimal costUsd,
    Map<String, String> labels,
    String promptPreview,
    @Nullable String outcome,
    @Nullable BigDecimal elapsedSeconds) {

  private static final Set<String> FORGIVEN = Set.of("cancelled", "limited", "unauthenticated");

  @SuppressWarnings("ConstantValue") // JSON may leave it out
  public CallRecord {
    labels = labels == null ? Map.of() : Map.copyOf(labels);
  }

  static CallRecord of(CallGranted granted) {
    return new CallRecord(
        granted.callId(),
        granted.taskId(),
        granted.requestId(),
        granted.purpose(),
        granted.tier(),
        granted.model(),
        granted.attempt(),
        granted.waits(),
        granted.opening(),
        granted.worker(),
        granted.grantedAt(),
        granted.reservedUsd(),
        granted.labels(),
        granted.promptPreview(),
        null,
        null);
  }

  CallRecord ended(CallEnded end) {
    return new CallRecord(
        callId,
        taskId,
        requestId,
        purpose,
        tier,
        model,
        attempt,
        waits,
        opening,
        worker,
        grantedAt,
        end.usage().costUsd(),
        labels,
        promptPreview,
        end.outcome().kind(),
        end.elapsedSeconds());
  }

  @JsonIgnore
  boolean isUnknown() {
    return "unknown".equals(outcome);
  }

  /// Whether it says nothing about the task: its worker had to stop, or the tier was not to be had.
  @JsonIgnore
  boolean isForgiven() {
    return outcome != null && FORGIVEN.contains(outcome);
  }

  @JsonIgnore
  public boolean isOpen() {
    return outcome == null;
  }
}
