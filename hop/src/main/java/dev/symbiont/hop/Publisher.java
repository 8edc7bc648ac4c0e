package dev.symbiont.hop;

import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.BlockedListener;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConfirmListener;
import com.rabbitmq.client.Return;
import dev.symbiont.hop.PublishException.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.springframework.amqp.AmqpException;

/// Publishes on one channel with the mandatory flag and publisher confirms.
///
/// The broker returns an unroutable message and then confirms it all the same, so a message counts
/// as taken only when its confirm came and it was not returned before. Futures complete on a thread
/// of this class, never on the connection's own: publishing from there would wait for itself.
public final class Publisher implements AutoCloseable {

  private final Broker broker;
  private final ReentrantLock lock = new ReentrantLock();
  private final ExecutorService verdicts =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("confirms").factory());
  private volatile @Nullable String blockedBecause;
  private @Nullable Open open;
  private boolean closed;

  public Publisher(Broker broker) {
    this.broker = broker;
  }

  /// Completes when the broker has taken the message, else fails with a [PublishException].
  public CompletableFuture<Void> publish(Parcel parcel) {
    String blocked = blockedBecause;
    if (blocked != null) {
      return CompletableFuture.failedFuture(new PublishException(Problem.BLOCKED, parcel, blocked));
    }
    var pending = new Pending(parcel, new CompletableFuture<>());
    lock.lock();
    try {
      if (closed) {
        return CompletableFuture.failedFuture(
            new PublishException(Problem.CLOSED, parcel, "nothing is published any more"));
      }
      Open channel = channel();
      long number = channel.channel.getNextPublishSeqNo();
      channel.pending.put(number, pending);
      channel.channel.basicPublish(
          parcel.exchange(), parcel.key(), parcel.mustArrive(), parcel.properties(), parcel.body());
    } catch (IOException | AmqpException | AlreadyClosedException e) {
      fail(pending, Problem.LOST, String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      fail(pending, Problem.TOO_LARGE, String.valueOf(e.getMessage()));
      abandon();
    } finally {
      lock.unlock();
    }
    return pending.future;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      abandon();
    } finally {
      lock.unlock();
    }
    verdicts.shutdown();
  }

  private Open channel() throws IOException {
    if (open == null || !open.channel.isOpen()) {
      open = new Open(broker.publishingChannel());
    }
    return open;
  }

  /// The client has counted a message that it did not send: every later confirm would be taken for
  /// another's.
  private void abandon() {
    if (open != null) {
      try {
        open.channel.abort();
      } catch (IOException e) {
        throw new UncheckedIOException(e); // abort() declares it and never throws it
      }
      open = null;
    }
  }

  private void succeed(Pending pending) {
    afterVerdicts(() -> pending.future.complete(null));
  }

  private void fail(Pending pending, Problem problem, String detail) {
    var failure = new PublishException(problem, pending.parcel, detail);
    afterVerdicts(() -> pending.future.completeExceptionally(failure));
  }

  /// Runs this when the verdicts that have come by now are told.
  void afterVerdicts(Runnable action) {
    try {
      verdicts.execute(action);
    } catch (RejectedExecutionException e) {
      action.run(); // closed: there is no other thread left to do it on
    }
  }

  private static final class Pending {
    final Parcel parcel;
    final CompletableFuture<Void> future;
    volatile boolean returned;

    Pending(Parcel parcel, CompletableFuture<Void> future) {
      this.parcel = parcel;
      this.future = future;
    }
  }

  /// A channel and what was published on it and awaits its verdict.
  private final class Open implements ConfirmListener, BlockedListener {
    final Channel channel;
    final ConcurrentNavigableMap<Long, Pending> pending = new ConcurrentSkipListMap<>();

    Open(Channel channel) throws IOException {
      this.channel = channel;
      blockedBecause = null;
      channel.getConnection().addBlockedListener(this);
      channel.addReturnListener(this::returned);
      channel.addConfirmListener(this);
      channel.addShutdownListener(
          cause -> {
            // The connection that was blocked is the one that could have told of its end.
            blockedBecause = null;
            for (Pending lost : take(Long.MAX_VALUE, true)) {
              fail(lost, Problem.LOST, String.valueOf(cause.getMessage()));
            }
          });
      channel.confirmSelect();
    }

    @Override
    public void handleAck(long number, boolean multiple) {
      for (Pending done : take(number, multiple)) {
        if (done.returned && done.parcel.mustArrive()) {
          fail(done, Problem.UNROUTABLE, "is its binding gone?");
        } else {
          succeed(done);
        }
      }
    }

    @Override
    public void handleNack(long number, boolean multiple) {
      for (Pending refused : take(number, multiple)) {
        fail(refused, Problem.REFUSED, "negative confirm");
      }
    }

    @Override
    public void handleBlocked(String reason) {
      blockedBecause = reason;
    }

    @Override
    public void handleUnblocked() {
      blockedBecause = null;
    }

    /// Not recognised by its properties: text in headers comes back as another type.
    private void returned(Return message) {
      // Returns are rare, and the broker sends each before the confirm of its message.
      pending.values().stream()
          .filter(it -> it.parcel.exchange().equals(message.getExchange()))
          .filter(it -> it.parcel.key().equals(message.getRoutingKey()))
          .filter(it -> Arrays.equals(it.parcel.body(), message.getBody()))
          .forEach(it -> it.returned = true);
    }

    private List<Pending> take(long number, boolean multiple) {
      if (!multiple) {
        Pending one = pending.remove(number);
        return one == null ? List.of() : List.of(one);
      }
      var head = pending.headMap(number, true);
      var all = new ArrayList<Pending>(head.values());
      head.clear();
      return all;
    }
  }
}
