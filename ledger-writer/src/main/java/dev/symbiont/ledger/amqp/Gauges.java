package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.Tier;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Broker.QueueState;
import dev.symbiont.ledger.writer.LedgerFiles;
import dev.symbiont.ledger.writer.Writer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/// How the fleet stands, seen from the ledger-writer at work. Only where somebody can look: the
/// depths of queues are asked of the broker, now and then.
public final class Gauges implements AutoCloseable {

  private static final Duration ASK_BROKER_EVERY = Duration.ofSeconds(10);
  private static final List<String> ROLES = List.of("gateway", "router", "dispatcher", "ledger");
  private static final double NANOS = 1e9;

  private final Broker broker;
  private final List<String> queues;
  private final MeterRegistry meters;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("ledger-gauges").factory());
  private volatile Map<String, QueueState> states = Map.of();

  public Gauges(
      Broker broker,
      Tiers tiers,
      LedgerFiles files,
      Writer writer,
      LedgerDesk desk,
      MeterRegistry meters) {
    this.broker = broker;
    this.queues = Topology.of(tiers.names()).queues().stream().map(Topology.Queue::name).toList();
    this.meters = meters;
    tiers.all().forEach(it -> ofTier(it, writer));
    ofQueues();
    ofLedger(files, writer, desk);
    for (String role : ROLES) {
      meter(
          "symbiont.workers",
          "Workers that give signs of life",
          () -> writer.liveWorkers().stream().filter(it -> it.role().equals(role)).count(),
          "role",
          role);
    }
  }

  public void start() {
    var _ =
        timer.scheduleWithFixedDelay(
            () -> states = broker.states(queues),
            0,
            ASK_BROKER_EVERY.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  private void ofTier(Tier tier, Writer writer) {
    for (TierState.Phase phase : TierState.Phase.values()) {
      meter(
          "symbiont.tier.state",
          "1 for the state that the tier is in",
          () ->
              writer.tiers().of(tier.name()).filter(it -> it.phase() == phase).isPresent() ? 1 : 0,
          "tier",
          tier.name(),
          "state",
          phase.wire());
    }
    meter(
        "symbiont.tier.rate.used.ratio",
        "Calls begun in the latest period, of those that the tier's rate allows",
        () -> (double) writer.tiers().rateUsed().getOrDefault(tier.name(), 0) / tier.rate().calls(),
        "tier",
        tier.name());
  }

  private void ofQueues() {
    for (String queue : queues) {
      meter(
          "symbiont.queue.messages",
          "Messages ready",
          of(queue, QueueState::messages),
          "queue",
          queue);
      meter(
          "symbiont.queue.consumers",
          "Consumers",
          of(queue, QueueState::consumers),
          "queue",
          queue);
    }
  }

  /// Not a number while the broker has not said.
  private Supplier<Number> of(String queue, ToDoubleFunction<QueueState> figure) {
    return () -> {
      QueueState state = states.get(queue);
      return state == null ? Double.NaN : figure.applyAsDouble(state);
    };
  }

  private void ofLedger(LedgerFiles files, Writer writer, LedgerDesk desk) {
    meter(
        "symbiont.ledger.writable",
        "Whether the last write to the journal succeeded",
        () -> desk.isWritable() ? 1 : 0);
    meter(
        "symbiont.ledger.lag.lines",
        "Lines of the journal that ledger and index do not have yet",
        () -> writer.lag().lines());
    Gauge.builder("symbiont.ledger.lag", () -> writer.lag().time().toNanos() / NANOS)
        .description("How long ledger and index have lacked the oldest of these")
        .baseUnit("seconds")
        .register(meters);
    Gauge.builder("symbiont.heartbeat.timestamp", () -> seconds(desk))
        .description("When the last line of heartbeat.jsonl was written, since 1970")
        .baseUnit("seconds")
        .register(meters);
    Gauge.builder("symbiont.disk.free", () -> usable(files))
        .description("What is left on the disk of the ledger's folder")
        .baseUnit("bytes")
        .register(meters);
  }

  private static double seconds(LedgerDesk desk) {
    return desk.lastHeartbeat().map(Instant::toEpochMilli).map(it -> it / 1e3).orElse(Double.NaN);
  }

  private static long usable(LedgerFiles files) {
    try {
      return Files.getFileStore(files.folder()).getUsableSpace();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void meter(String name, String description, Supplier<Number> value, String... tags) {
    Gauge.builder(name, value).description(description).tags(tags).register(meters);
  }
}
