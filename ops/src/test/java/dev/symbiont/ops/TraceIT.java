package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Tasks on their way through four processes that write their traces to files.
class TraceIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String CALLER = "00f067aa0ba902b7";
  private static final String BEFORE_IN_DOCS =
      "<!-- TraceIT holds this against a real one. -->\n```text\n";

  @TempDir private static Path folder;
  private static Path traces;
  private static FleetProcesses fleet;
  private static HttpCaller caller;

  /// What a line of the files says of one span.
  private record Shown(
      String role, String trace, String id, String parent, String name, long start, JsonNode json) {

    String attribute(String name) {
      return value(json.path("attributes"), name);
    }

    String line() {
      String message = attribute("symbiont.message");
      return name.equals("process symbiont.ledger") ? name + ": " + message : name;
    }
  }

  @BeforeAll
  static void start() throws IOException {
    traces = folder.resolve("traces");
    fleet =
        new FleetProcesses(
            folder,
            Map.of("SYMBIONT_TRACES", traces.toString(), "SYMBIONT_SIMULATED_SECONDS", "0"));
    for (String role : List.of("ledger", "router", "dispatcher", "gateway")) {
      fleet.start(role).awaitOutput(role + " is up");
    }
    caller = HttpCaller.to(fleet.port);
  }

  @AfterAll
  static void stop() throws IOException {
    caller.close();
    fleet.close();
  }

  /// With the caller's own context, so that nothing else is taken for this task.
  @Test
  void aTaskIsOneTraceThroughAllRoles() throws IOException {
    HttpCaller.Answer answer =
        caller.post(
            "/task",
            bytes("{\"task\": \"Summarize this email: the meeting moved to Friday\"}"),
            PATIENCE,
            "traceparent",
            "00-%s-%s-01".formatted(TRACE, CALLER));

    assertThat(answer.status()).isEqualTo(200);
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(tree(spans(TRACE))).isEqualTo(inTheDocs()));
    List<Shown> spans = spans(TRACE);
    assertThat(spans)
        .filteredOn(it -> !it.attribute("symbiont.task.id").isEmpty())
        .extracting(it -> it.attribute("symbiont.task.id"))
        .containsOnly(answer.body().path("id").asString());
    Shown call = spans.stream().filter(it -> it.name.startsWith("chat")).toList().getLast();
    assertThat(call.attribute("gen_ai.operation.name")).isEqualTo("chat");
    assertThat(call.attribute("gen_ai.provider.name")).isEqualTo("anthropic");
    assertThat(call.attribute("gen_ai.request.model"))
        .isEqualTo(answer.body().path("model").asString());
    assertThat(call.attribute("gen_ai.usage.output_tokens"))
        .isEqualTo(answer.body().path("output_tokens").asString());
    assertThat(call.attribute("symbiont.simulated")).isEqualTo("true");
  }

  @Test
  void aProducersTraceGoesOnInTheFleet() throws IOException {
    String trace = TRACE.replace('4', '5');
    var headers = Map.<String, Object>of("traceparent", "00-%s-%s-01".formatted(trace, CALLER));

    fleet.broker.publish(
        Topology.TASKS,
        "normal",
        new AMQP.BasicProperties.Builder().headers(headers).build(),
        bytes("{\"task\": \"hello\", \"force_tier\": \"haiku\"}"));

    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(spans(trace))
                    .extracting(Shown::name)
                    .contains("process symbiont.inbox.normal", "chat haiku"));
  }

  /// Children under what they follow from, by role and then by time.
  private static List<String> tree(List<Shown> spans) {
    var lines = new ArrayList<String>();
    grow(spans, CALLER, 0, lines);
    return lines;
  }

  private static void grow(List<Shown> spans, String parent, int depth, List<String> lines) {
    spans.stream()
        .filter(it -> it.parent.equals(parent))
        .sorted(Comparator.comparing(Shown::role).thenComparingLong(Shown::start))
        .forEach(
            it -> {
              lines.add("%s%s (%s)".formatted("  ".repeat(depth), it.line(), it.role));
              grow(spans, it.id, depth + 1, lines);
            });
  }

  private static List<String> inTheDocs() throws IOException {
    String docs = Files.readString(Installation.current().root().resolve("ops/README.md"));
    int begin = docs.indexOf(BEFORE_IN_DOCS) + BEFORE_IN_DOCS.length();
    return docs.substring(begin, docs.indexOf("```", begin)).lines().toList();
  }

  private static List<Shown> spans(String trace) throws IOException {
    try (Stream<Path> files = Files.list(traces)) {
      return files
          .flatMap(TraceIT::lines)
          .flatMap(TraceIT::spans)
          .filter(it -> it.trace.equals(trace))
          .toList();
    }
  }

  private static Stream<JsonNode> lines(Path file) {
    try {
      String text = Files.readString(file);
      // The last line may be half written.
      return text.substring(0, text.lastIndexOf('\n') + 1).lines().map(Codec.mapper()::readTree);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<Shown> spans(JsonNode line) {
    return children(line, "resourceSpans")
        .flatMap(
            resource -> {
              String role = value(resource.path("resource").path("attributes"), "service.name");
              return children(resource, "scopeSpans")
                  .flatMap(scope -> children(scope, "spans"))
                  .map(
                      it ->
                          new Shown(
                              role.replace("symbiont-", ""),
                              it.path("traceId").asString(),
                              it.path("spanId").asString(),
                              it.path("parentSpanId").asString(""),
                              it.path("name").asString(),
                              Long.parseLong(it.path("startTimeUnixNano").asString()),
                              it));
            });
  }

  private static Stream<JsonNode> children(JsonNode node, String name) {
    return StreamSupport.stream(node.path(name).spliterator(), false);
  }

  private static String value(JsonNode attributes, String name) {
    return StreamSupport.stream(attributes.spliterator(), false)
        .filter(it -> it.path("key").asString().equals(name))
        .flatMap(it -> StreamSupport.stream(it.path("value").spliterator(), false))
        .map(it -> it.asString())
        .collect(Collectors.joining());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
