package dev.symbiont.contract;

/// A message that moves a task on, and is therefore its journal entry as well.
public sealed interface Step extends Event
    permits AcceptedTask,
        Work,
        CallGranted,
        CallEnded,
        TaskEnded,
        SetAside,
        Discarded,
        CancelRequested {

  String taskId();
}
