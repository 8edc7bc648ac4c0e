package dev.symbiont.ledger.writer;

import dev.symbiont.contract.Message;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.TaskEnded;

/// What is to be sent once a batch is on disk.
public sealed interface Reaction {

  /// An answer to somebody who asked.
  record Answer(Message answer, String replyKey) implements Reaction {}

  /// The ledger-writer itself has ended a task.
  record Ended(TaskEnded end, Reply reply) implements Reaction {}
}
