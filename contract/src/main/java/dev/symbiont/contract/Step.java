package dev.symbiont.contract;

/// A message that moves a task on, and is therefore its journal entry as well.
public sealed interface Step extends Message
    permits AcceptedTask, Work, CallGranted, CallEnded, TaskEnded, SetAside, Discarded {

  String taskId();

  /// Derived from task, step and number, never drawn: a repeated message has the id of the first.
  String eventId();
}
