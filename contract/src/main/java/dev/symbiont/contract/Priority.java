package dev.symbiont.contract;

/// How urgent a task is. Each priority has queues of its own; the order here is the order of
/// service.
public enum Priority implements WireEnum {
  HIGH,
  NORMAL,
  LOW
}
