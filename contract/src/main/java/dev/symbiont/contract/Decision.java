package dev.symbiont.contract;

import java.math.BigDecimal;

/// The router's choice for a task, with its reason and what the choosing cost; or an operator's,
/// with all that the task had cost before.
public record Decision(
    String tier, Confidence confidence, String reason, DecidedBy decidedBy, BigDecimal costUsd) {

  public Decision {
    InvalidFieldException.require("tier", tier);
    InvalidFieldException.require("confidence", confidence);
    InvalidFieldException.require("reason", reason);
    InvalidFieldException.require("decided_by", decidedBy);
    InvalidFieldException.require("cost_usd", costUsd);
  }
}
