package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Parcel;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sends tasks that wait for a tier back into its queues, once there is a reason to.
///
/// Only the ledger-writer does this, because it alone knows when. What was sent back too early is
/// parked again by whoever asks for a grant.
final class Parking implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Parking.class);
  private static final Duration TRY_AGAIN_AFTER = Duration.ofSeconds(1);

  private final Broker broker;
  private final Hop hop;
  private final Map<String, Planned> planned = new HashMap<>();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("ledger-parking").factory());

  private record Planned(long at, Future<?> task) {}

  Parking(Broker broker, Hop hop) {
    this.broker = broker;
    this.hop = hop;
  }

  /// Sends all of them back after a while, or sooner if that was planned before.
  synchronized void releaseAllIn(String tier, Duration delay) {
    long at = System.nanoTime() + Math.max(0, delay.toNanos());
    Planned before = planned.get(tier);
    if (before != null && !before.task.isDone() && before.at - at <= 0) {
      return;
    }
    if (before != null) {
      before.task.cancel(false);
    }
    try {
      planned.put(
          tier,
          new Planned(
              at,
              timer.schedule(
                  () -> release(tier, Integer.MAX_VALUE),
                  Math.max(0, delay.toNanos()),
                  TimeUnit.NANOSECONDS)));
    } catch (RejectedExecutionException e) {
      log.debug("stopping; {} is woken by the next ledger-writer", tier);
    }
  }

  /// Sends one back, to see whether the tier can be called.
  void releaseOne(String tier) {
    try {
      timer.execute(() -> release(tier, 1));
    } catch (RejectedExecutionException e) {
      log.debug("stopping; {} is woken by the next ledger-writer", tier);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  private void release(String tier, int most) {
    try {
      int released = broker.visit(Topology.parked(tier), most, this::sendBack);
      if (released > 0) {
        log.info("{} tasks go on that waited for {}", released, tier);
      }
    } catch (IOException | RuntimeException e) {
      log.warn("tasks that wait for {} cannot be sent on yet: {}", tier, e.toString());
      if (most > 1) {
        releaseAllIn(tier, TRY_AGAIN_AFTER);
      }
    }
  }

  private CompletableFuture<Void> sendBack(Delivery delivery) {
    try {
      var task = (RoutedTask) Codec.decode(delivery.schema(), delivery.body());
      String key = Topology.routedKey(task.tier(), task.priority());
      return hop.forward(delivery, List.of(Parcel.step(key, task)));
    } catch (UnreadableMessageException | ClassCastException e) {
      return hop.setAside(delivery, String.valueOf(e.getMessage()));
    }
  }
}
