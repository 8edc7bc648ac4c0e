package dev.symbiont.contract;

/// Who chose the tier of a task.
public enum DecidedBy implements WireEnum {
  FORCED,
  RULE,
  LOCAL,
  MODEL,
  DEFAULT,

  /// Whoever had it replayed after it was set aside.
  OPERATOR
}
