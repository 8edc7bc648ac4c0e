package dev.symbiont.hop;

import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.WorkerBeat.Phase;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Tells the fleet that this worker is alive.
public final class Heartbeat implements AutoCloseable {

  /// Time between two signs of life.
  public static final Duration PERIOD = Duration.ofSeconds(2);

  private final Publisher publisher;
  private final String worker;
  private final String role;
  private final InstantSource clock;
  private final Supplier<List<String>> running;
  private final Instant startedAt;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("heartbeat").factory());

  /// @param running the ids of the calls that are being made
  public Heartbeat(
      Publisher publisher,
      String worker,
      String role,
      InstantSource clock,
      Supplier<List<String>> running) {
    this.publisher = publisher;
    this.worker = worker;
    this.role = role;
    this.clock = clock;
    this.running = running;
    this.startedAt = clock.instant();
  }

  public void start() {
    beat(Phase.STARTED);
    long period = PERIOD.toMillis();
    // At a fixed rate, a process that stood still would make up for the beats it has missed, and
    // time
    // would pass at once for all others.
    var _ =
        timer.scheduleWithFixedDelay(
            () -> beat(Phase.HEARTBEAT), period, period, TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    timer.shutdownNow();
    beat(Phase.STOPPED);
  }

  /// A beat that gets lost is followed by the next.
  private void beat(Phase phase) {
    var beat = new WorkerBeat(worker, role, startedAt, clock.instant(), phase, running.get());
    var _ = publisher.publish(Parcel.signOfLife("worker." + phase.wire(), beat));
  }
}
