package dev.symbiont.contract;

/// What becomes of a task for which a budget has nothing left.
public enum WhenSpent implements WireEnum {
  /// It waits until the day turns.
  WAIT,

  /// It goes to the next cheaper tier; where there is none, it waits.
  FALL_BACK,

  /// It fails.
  REFUSE
}
