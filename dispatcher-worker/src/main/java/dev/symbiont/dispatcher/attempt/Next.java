package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskEnded;
import java.time.Duration;

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

  /// The task waits for a tier.
  record Waits(RoutedTask task) implements Next {}

  /// The classification goes back to the router, without an answer.
  record Declined(Classification question) implements Next {}

  /// Not now, but soon: keep it, and ask again.
  ///
  /// @param forAll no other task of this tier would get a grant before that either
  record AskAgain(Duration after, boolean forAll) implements Next {}

  /// Somebody else does it, or did it.
  record Nothing() implements Next {}

  /// We have to stop; somebody else shall have it.
  record PutBack() implements Next {}
}
