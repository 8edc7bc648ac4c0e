package dev.symbiont.hop;

import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import java.io.IOException;
import java.util.TreeSet;
import java.util.concurrent.Executor;

/// What a channel has delivered and nobody has settled. Acknowledgements that come close together
/// go to the broker as one, as far as nothing open is left before them: each costs it an entry in
/// the log of the queue.
final class Unsettled {

  private final Channel channel;
  private final Executor later;

  // Guarded by this.
  private final TreeSet<Long> open = new TreeSet<>();
  private final TreeSet<Long> done = new TreeSet<>();
  private boolean flushing;

  /// @param later runs what it is given after what it was given before
  Unsettled(Channel channel, Executor later) {
    this.channel = channel;
    this.later = later;
  }

  synchronized void delivered(long tag) {
    open.add(tag);
  }

  void acknowledge(long tag) {
    synchronized (this) {
      open.remove(tag);
      done.add(tag);
      if (flushing) {
        return;
      }
      flushing = true;
    }
    later.execute(this::flush);
  }

  /// Settles everything that came before on this channel as well.
  synchronized void acknowledgeUpTo(long tag) {
    open.headSet(tag, true).clear();
    done.headSet(tag, true).clear();
    settle(() -> channel.basicAck(tag, true));
  }

  synchronized void putBack(long tag) {
    open.remove(tag);
    settle(() -> channel.basicReject(tag, true));
  }

  /// Sends what is to be sent. Whoever closes the channel calls this before.
  synchronized void flush() {
    flushing = false;
    var together = open.isEmpty() ? done : done.headSet(open.first());
    if (!together.isEmpty()) {
      long last = together.last();
      settle(() -> channel.basicAck(last, true));
      together.clear();
    }
    for (long tag : done) {
      settle(() -> channel.basicAck(tag, false));
    }
    done.clear();
  }

  private static void settle(Settlement settlement) {
    try {
      settlement.run();
    } catch (IOException | AlreadyClosedException e) {
      // The channel is gone, and with it the deliveries: the broker gives the messages to somebody
      // else.
      return;
    }
  }

  private interface Settlement {
    void run() throws IOException;
  }
}
