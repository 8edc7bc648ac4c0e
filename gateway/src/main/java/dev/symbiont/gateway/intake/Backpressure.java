package dev.symbiont.gateway.intake;

import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.gateway.Problem;
import dev.symbiont.hop.Broker;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/// Sends callers away while too much waits already. No queue has a limit of its own: one that
/// refuses would leave a copy in the other to which the same message goes.
///
/// Looks at the queues at most once a second, beside the requests: what comes in meanwhile is
/// accepted.
public final class Backpressure {

  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(30);

  private final long most;
  private final LongSupplier waiting;
  private final LongSupplier nanoTime;
  private final AtomicBoolean looking = new AtomicBoolean();
  private volatile long lookedAt;
  private volatile long depth;

  public Backpressure(long most, Broker broker, List<String> tiers) {
    this(most, () -> sum(broker, queues(tiers)), System::nanoTime);
  }

  Backpressure(long most, LongSupplier waiting, LongSupplier nanoTime) {
    this.most = most;
    this.waiting = waiting;
    this.nanoTime = nanoTime;
    this.lookedAt = nanoTime.getAsLong() - LOOK_EVERY.toNanos();
  }

  /// Fails while more tasks wait than may.
  void require() {
    if (most == 0) {
      return;
    }
    long now = depth; // the one who has somebody look does not wait for it
    if (isTimeToLook() && looking.compareAndSet(false, true)) {
      // Another look may have ended between the two questions.
      if (isTimeToLook()) {
        Thread.startVirtualThread(this::look);
      } else {
        looking.set(false);
      }
    }
    if (now > most) {
      throw Problem.unavailable(
          "not accepted: %d tasks wait already, and more than %d may not".formatted(now, most),
          RETRY_AFTER);
    }
  }

  private boolean isTimeToLook() {
    return nanoTime.getAsLong() - lookedAt >= LOOK_EVERY.toNanos();
  }

  private void look() {
    try {
      depth = waiting.getAsLong();
      lookedAt = nanoTime.getAsLong();
    } finally {
      looking.set(false);
    }
  }

  private static long sum(Broker broker, List<String> queues) {
    return broker.depths(queues).values().stream().mapToLong(Long::longValue).sum();
  }

  /// Those in which tasks wait for a part of the fleet; parked ones wait for a tier.
  private static List<String> queues(List<String> tiers) {
    return Stream.concat(
            Arrays.stream(Priority.values()).map(Topology::inbox),
            tiers.stream()
                .flatMap(
                    tier -> Arrays.stream(Priority.values()).map(it -> Topology.tier(tier, it))))
        .toList();
  }
}
