package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Instant;

/// The recorded beginning of a call. Written by the ledger-writer alone, and on disk before the
/// call is made.
///
/// @param requestId the question that was answered with this grant
/// @param reservedUsd what the call counts for until its cost is known
public record CallGranted(
    String callId,
    String requestId,
    String taskId,
    Purpose purpose,
    String tier,
    String model,
    int attempt,
    String worker,
    Instant grantedAt,
    BigDecimal reservedUsd,
    String promptPreview)
    implements Step {

  public CallGranted {
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
