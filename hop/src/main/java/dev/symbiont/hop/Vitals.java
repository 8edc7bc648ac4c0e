package dev.symbiont.hop;

import com.sun.management.OperatingSystemMXBean;
import dev.symbiont.contract.wire.Codec;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/// What a process tells about itself: its meters, and whether it can do its work.
public final class Vitals implements AutoCloseable {

  public static final String LIVE_PATH = "/health/live";
  public static final String READY_PATH = "/health/ready";
  public static final String METRICS_PATH = "/metrics";

  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  private static final double NANOS = 1e9;
  private static final int OK = 200;
  private static final int UNAVAILABLE = 503;

  private final PrometheusMeterRegistry meters;
  private final Broker broker;
  private final List<Check> checks;
  private final JvmGcMetrics collections = new JvmGcMetrics();

  /// Something that a role cannot work without, beside the broker.
  public interface Check {

    /// What is wrong with it.
    Optional<String> problem();
  }

  /// How a question is answered.
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Answer(int status, String contentType, byte[] body) {}

  Vitals(PrometheusMeterRegistry meters, Worker worker, Broker broker, List<Check> checks) {
    this.meters = meters;
    this.broker = broker;
    this.checks = List.copyOf(checks);
    Gauge.builder("symbiont.worker.info", () -> 1)
        .description("This process: its role, and its worker id")
        .tag("role", worker.role())
        .tag("worker", worker.id())
        .register(meters);
    Gauge.builder("symbiont.broker.connected", () -> broker.isConnected() ? 1 : 0)
        .description("Whether there is a connection to the broker")
        .register(meters);
    collections.bindTo(meters);
    new JvmMemoryMetrics().bindTo(meters);
    new JvmThreadMetrics().bindTo(meters);
    FunctionCounter.builder("process.cpu", PROCESS, it -> it.getProcessCpuTime() / NANOS)
        .description("Processor time of this process")
        .baseUnit("seconds")
        .register(meters);
  }

  public Answer metrics() {
    return new Answer(
        OK,
        "text/plain; version=0.0.4; charset=utf-8",
        meters.scrape().getBytes(StandardCharsets.UTF_8));
  }

  /// That there is an answer at all says it.
  public Answer live() {
    return health(List.of());
  }

  /// Whether work can be done here just now.
  public Answer ready() {
    var problems = new ArrayList<String>();
    if (!broker.isConnected()) {
      problems.add("no connection to the broker");
    }
    checks.forEach(it -> it.problem().ifPresent(problems::add));
    return health(problems);
  }

  private static Answer health(List<String> problems) {
    var body = new LinkedHashMap<String, Object>();
    body.put("status", problems.isEmpty() ? "up" : "down");
    if (!problems.isEmpty()) {
      body.put("problems", problems);
    }
    return new Answer(
        problems.isEmpty() ? OK : UNAVAILABLE, "application/json", Codec.encode(body));
  }

  @Override
  public void close() {
    collections.close();
  }
}
