package dev.symbiont.bench;

import dev.symbiont.contract.wire.Codec;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// What else runs on the same broker: RabbitMQ's own load generator, and Celery.
///
/// @param root the project's folder
record Peers(Path root, URI broker) {

  private static final Pattern RATE = Pattern.compile("receiving rate avg: (\\d+) msg/s");
  private static final Pattern MEDIAN =
      Pattern.compile("confirm latency min/median/75th/95th/99th \\d+/(\\d+)/");
  private static final int SECONDS = 8;

  /// Messages per second of one producer and one consumer that acknowledges each: quorum queue,
  /// persistent, so many unconfirmed.
  double perfTestRate(int bytes) {
    return number(RATE, perfTest(bytes, 200));
  }

  /// How long a single message waits for its confirm, in ms.
  double confirmMillis(int bytes) {
    return number(MEDIAN, perfTest(bytes, 1)) / 1e3;
  }

  /// What `celery_peer.py` prints; nothing if Celery is not installed.
  Optional<JsonNode> celery(int count, int workers) {
    if (!Files.exists(Path.of("/usr/lib/python3/dist-packages/celery"))) {
      return Optional.empty();
    }
    var script = root.resolve("ops/bench/celery_peer.py").toString();
    String said =
        Site.output(
            List.of(
                "/usr/bin/python3",
                script,
                broker.toString(),
                Integer.toString(count),
                Integer.toString(workers)));
    return Optional.of(Codec.mapper().readTree(said));
  }

  private String perfTest(int bytes, int unconfirmed) {
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                root.resolve("ops/bench/target/perf-test") + "/*",
                "com.rabbitmq.perf.PerfTest"));
    command.addAll(
        Stream.of(
                "--uri %s --quorum-queue --queue bench.perf-test --flag persistent --size %d"
                    .formatted(broker, bytes),
                "--confirm %d --qos 200 --time %d".formatted(unconfirmed, SECONDS))
            .flatMap(it -> Stream.of(it.split(" ", -1)))
            .toList());
    return Site.output(command);
  }

  /// The last one it said.
  private static double number(Pattern pattern, String output) {
    Matcher matcher = pattern.matcher(output);
    double last = Double.NaN;
    while (matcher.find()) {
      last = Double.parseDouble(matcher.group(1));
    }
    if (Double.isNaN(last)) {
      throw new IllegalStateException("PerfTest said nothing of its rate: " + output);
    }
    return last;
  }
}
