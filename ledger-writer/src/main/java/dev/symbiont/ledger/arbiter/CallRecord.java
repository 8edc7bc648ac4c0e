package dev.symbiont.ledger.arbiter;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Purpose;
import java.math.BigDecimal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// What the arbiter remembers of a call.
///
/// @param outcome absent while the call is open
public record CallRecord(
    String callId,
    String taskId,
    String requestId,
    Purpose purpose,
    String tier,
    String model,
    int attempt,
    String worker,
    Instant grantedAt,
    BigDecimal costUsd,
    String promptPreview,
    @Nullable String outcome) {

  static CallRecord of(CallGranted granted) {
    return new CallRecord(
        granted.callId(),
        granted.taskId(),
        granted.requestId(),
        granted.purpose(),
        granted.tier(),
        granted.model(),
        granted.attempt(),
        granted.worker(),
        granted.grantedAt(),
        granted.reservedUsd(),
        granted.promptPreview(),
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
        worker,
        grantedAt,
        end.usage().costUsd(),
        promptPreview,
        end.outcome().kind());
  }

  @JsonIgnore
  boolean isUnknown() {
    return "unknown".equals(outcome);
  }

  boolean wasCancelled() {
    return "cancelled".equals(outcome);
  }

  @JsonIgnore
  public boolean isOpen() {
    return outcome == null;
  }
}
