package dev.symbiont.contract;

/// Where a task is in its life. `docs/lifecycle.md` draws the transitions.
public enum TaskState implements WireEnum {
  QUEUED,
  ROUTED,
  WAITING,
  RUNNING,
  SUCCEEDED,
  FAILED,
  CANCELLED,
  EXPIRED,
  SET_ASIDE;

  /// True for the five states that a task never leaves.
  public boolean isEnd() {
    return compareTo(SUCCEEDED) >= 0;
  }
}
