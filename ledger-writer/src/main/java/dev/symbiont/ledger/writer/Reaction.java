package dev.symbiont.ledger.writer;

import dev.symbiont.contract.Message;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskEnded;

/// What is to be sent once a batch is on disk.
public sealed interface Reaction {

  /// An answer to somebody who asked.
  record Answer(Message answer, String replyKey) implements Reaction {}

  /// A task goes on.
  record GoesOn(RoutedTask task) implements Reaction {}

  /// A dead letter needs nobody any more: that of this task, up to this replay of it.
  record Settled(String taskId, int replay) implements Reaction {}

  /// A role or the broker has set a task aside, which its caller does not know yet.
  record Told(TaskEnded end, Reply reply) implements Reaction {}

  /// The ledger-writer itself has ended a task.
  record Ended(TaskEnded end, Reply reply) implements Reaction {}
}
