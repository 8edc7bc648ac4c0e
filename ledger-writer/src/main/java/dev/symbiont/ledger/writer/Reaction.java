package dev.symbiont.ledger.writer;

import dev.symbiont.contract.KeySet;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Webhook;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// What is to be sent once a batch is on disk.
public sealed interface Reaction {

  /// An answer to somebody who asked.
  record Answer(Message answer, String replyKey) implements Reaction {}

  /// A task goes on.
  record GoesOn(RoutedTask task) implements Reaction {}

  /// A tier is not as it was. It comes before the answers that follow from it.
  record TierChanged(TierState state) implements Reaction {}

  /// A key is not as it was. It comes before the answer that says so.
  record KeyChanged(KeySet key) implements Reaction {}

  /// Nothing is known to be wrong with the tier that a task waits for.
  ///
  /// @param until when the task need not wait any longer; absent if now
  record Parked(String tier, @Nullable Instant until) implements Reaction {}

  /// A call is not wanted any more.
  record Stop(String worker, StopCall call) implements Reaction {}

  /// A dead letter needs nobody any more: that of this task, up to this replay of it.
  record Settled(String taskId, int replay) implements Reaction {}

  /// Somebody wants to be called about this.
  record Called(Webhook webhook) implements Reaction {}

  /// A role or the broker has set a task aside, which its caller does not know yet.
  record Told(TaskEnded end, Reply reply) implements Reaction {}

  /// The ledger-writer itself has ended a task.
  record Ended(TaskEnded end, Reply reply) implements Reaction {}
}
