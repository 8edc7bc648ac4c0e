package dev.symbiont.contract;

import java.math.BigDecimal;

/// What the calls of a task have cost so far, as the ledger knows it: a worker sees only its own.
///
/// @param stepUsd by the earlier calls of the same step: a try at a tier, or the classification
/// @param taskUsd by all earlier calls of the task
public record Spent(BigDecimal stepUsd, BigDecimal taskUsd) {

  public static final Spent NOTHING = new Spent(BigDecimal.ZERO, BigDecimal.ZERO);

  public Spent {
    InvalidFieldException.require("step_usd", stepUsd);
    InvalidFieldException.require("task_usd", taskUsd);
  }
}
