package dev.symbiont.contract;

import java.math.BigDecimal;

/// The choice for a task, a router's or an operator's, with its reason and what the choosing cost.
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
