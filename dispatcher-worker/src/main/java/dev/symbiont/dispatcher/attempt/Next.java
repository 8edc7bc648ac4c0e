package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskEnded;

/// What follows from an attempt.
public sealed interface Next {

  /// The task is over.
  record Ended(TaskEnded end) implements Next {}

  /// The task goes to another tier.
  record FallsBack(RoutedTask task) implements Next {}

  /// The classification goes back to the router, with its task.
  record Classified(CallEnded call) implements Next {}

  /// The task was over before; its producer may not have heard of it.
  record EndedBefore(TaskEnded end) implements Next {}

  /// Somebody else does it, and may fail: keep it, and ask again soon.
  record AskAgain() implements Next {}

  /// Somebody else does it, or did it.
  record Nothing() implements Next {}

  /// We have to stop; somebody else shall have it.
  record PutBack() implements Next {}
}
