package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// One dispatcher and a program that does all it can to hurt its caller. What matters is that the
/// thousandth call costs the dispatcher no more than the tenth: `-Dsymbiont.test.hostile=10000` is
/// the long run.
class HostileIT {

  private static final int TASKS = Integer.getInteger("symbiont.test.hostile", 300);
  private static final int WARM_UP = Math.max(TASKS / 10, 100);
  private static final int SLOTS = 8;
  private static final Pattern GENERATION = Pattern.compile("total \\d+K, used (\\d+)K");

  /// A misbehaviour, the outcome that it must have, and its share of a thousand.
  private record Kind(String marker, String outcome, int share) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("[[sim:hang]]", "timed_out", 10),
          new Kind("[[sim:stubborn]]", "timed_out", 10),
          new Kind("[[sim:flood-err mb=8]]", "answered", 30),
          new Kind("[[sim:flood-out mb=64]]", "answered", 4),
          new Kind("[[sim:flood-out mb=1024]]", "answered", 1),
          new Kind("[[sim:grandchild seconds=300]]", "answered", 50),
          new Kind("[[sim:empty]]", "unreadable", 100),
          new Kind("[[sim:garbage]]", "unreadable", 100),
          new Kind("[[sim:half]]", "unreadable", 100),
          new Kind("[[sim:crash]]", "crashed", 100),
          new Kind("[[sim:die]]", "crashed", 100),
          new Kind("", "answered", 395));

  @TempDir private Path folder;
  private FleetProcesses fleet;
  private SymbiontProcess dispatcher;

  private record Sample(long processes, long files, long heapKilobytes) {}

  @BeforeEach
  void start() {
    fleet =
        new FleetProcesses(
            folder,
            List.of("haiku"),
            Map.of(
                "SYMBIONT_SIMULATED_SECONDS",
                "0.01",
                "SPRING_APPLICATION_JSON",
                """
                {"symbiont": {"router": {"default-tier": "haiku"}, "dispatcher": {"max-tries": 1, "warm": {"idle": "1s"}},
                 "tiers": [{"name": "haiku", "timeout": "8s", "concurrency": %d, "rate": {"calls": 60000, "period": "1m"}}]}}
                """
                    .formatted(SLOTS)));
    fleet.start("ledger").awaitOutput("ledger is up");
    fleet.start("router").awaitOutput("router is up");
    dispatcher = fleet.start(List.of("-Xmx256m"), "dispatcher").awaitOutput("dispatcher is up");
  }

  @AfterEach
  void stop() throws IOException {
    fleet.close();
  }

  @Test
  void everyCallEndsAsWhatItWasAndLeavesNothingBehind() throws Exception {
    var random = new Random(11);
    var expected = new HashMap<String, String>();

    submit(0, WARM_UP, random, expected);
    Sample early = sample();
    submit(WARM_UP, TASKS, random, expected);
    Sample late = sample();

    System.out.println("after %d: %s; after %d: %s".formatted(WARM_UP, early, TASKS, late));
    Map<String, String> outcomes = outcomes();
    assertThat(outcomes).isEqualTo(expected);
    assertThat(late.processes).isLessThanOrEqualTo(early.processes);
    assertThat(late.files).isLessThanOrEqualTo(early.files + 3);
    assertThat(early.heapKilobytes).isPositive();
    assertThat(late.heapKilobytes).isLessThan(early.heapKilobytes * 13 / 10 + 4_096);
    assertThat(grandchildren()).isZero();
  }

  /// Returns when each has its end.
  private void submit(int from, int to, Random random, Map<String, String> expected) {
    for (int i = from; i < to; i++) {
      Kind kind = kind(random.nextInt(1_000));
      expected.put("t-" + i, kind.outcome);
      String body =
          "{\"task\": \"task %d %s\", \"id\": \"t-%d\", \"force_tier\": \"haiku\"}"
              .formatted(i, kind.marker, i);
      fleet.broker.publish(
          "symbiont.tasks",
          "normal",
          new AMQP.BasicProperties.Builder().build(),
          body.getBytes(StandardCharsets.UTF_8));
    }
    await("every end")
        .atMost(Duration.ofMinutes(20))
        .pollInterval(Duration.ofMillis(500))
        .until(() -> lines() >= to);
  }

  private static Kind kind(int roll) {
    int left = roll;
    for (Kind kind : KINDS) {
      left -= kind.share;
      if (left < 0) {
        return kind;
      }
    }
    throw new IllegalStateException("the shares are less than a thousand");
  }

  private long lines() throws IOException {
    try (Stream<String> lines = Files.lines(folder.resolve("ledger/ledger.jsonl"))) {
      return lines.count();
    }
  }

  private Map<String, String> outcomes() {
    var outcomes = new HashMap<String, String>();
    for (JsonNode call : fleet.ledger()) {
      outcomes.merge(
          call.path("task_id").asString(), call.path("outcome").asString(), (a, b) -> a + "," + b);
    }
    return outcomes;
  }

  /// With nothing under way.
  private Sample sample() throws Exception {
    long pid = dispatcher.handle().pid();
    await("no call").until(() -> dispatcher.handle().descendants().count() <= 1);
    long files;
    try (Stream<Path> open = Files.list(Path.of("/proc/%d/fd".formatted(pid)))) {
      files = open.count();
    }
    jcmd(pid, "GC.run");
    String heap = jcmd(pid, "GC.heap_info");
    return new Sample(dispatcher.handle().descendants().count(), files, used(heap));
  }

  /// Adds up what the two generations of the serial collector hold.
  private static long used(String heapInfo) {
    return GENERATION
        .matcher(heapInfo)
        .results()
        .mapToLong(it -> Long.parseLong(it.group(1)))
        .sum();
  }

  private static String jcmd(long pid, String command) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(pid),
                command)
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  /// The `sleep 300` that some calls left in their process group.
  private static long grandchildren() {
    return ProcessHandle.allProcesses()
        .filter(it -> it.info().commandLine().orElse("").endsWith("sleep 300"))
        .count();
  }
}
