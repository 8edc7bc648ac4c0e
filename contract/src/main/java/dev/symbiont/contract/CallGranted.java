package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.Map;

/// The recorded beginning of a call. Written by the ledger-writer alone, and on disk before the
/// call is made.
///
/// @param requestId the question that was answered with this grant
/// @param waits how often the task had waited for a tier before
/// @param opening how often its tier had opened before; a limit from before the latest opening says
///   nothing about the tier now
/// @param probe whether the call finds out if a closed tier can be called again
/// @param reservedUsd what the call counts for until its cost is known
/// @param labels of the task, for budgets
public record CallGranted(
    String callId,
    String requestId,
    String taskId,
    Purpose purpose,
    String tier,
    String model,
    int attempt,
    int waits,
    long opening,
    boolean probe,
    String worker,
    Instant grantedAt,
    BigDecimal reservedUsd,
    Map<String, String> labels,
    String promptPreview)
    implements Step {

  @SuppressWarnings("ConstantValue") // JSON may leave it out
  public CallGranted {
    labels = labels == null ? Map.of() : Map.copyOf(labels);
    InvalidFieldException.require("call_id", callId);
    InvalidFieldException.require("request_id", requestId);
    InvalidFieldException.require("task_id", taskId);
    InvalidFieldException.require("purpose", purpose);
    InvalidFieldException.require("tier", tier);
    InvalidFieldException.require("model", model);
    InvalidFieldException.require("worker", worker);
    InvalidFieldException.require("granted_at", grantedAt);
    InvalidFieldException.require("reserved_usd", reservedUsd);
  }

  @Override
  public String eventId() {
    return callId + "/granted";
  }
}
