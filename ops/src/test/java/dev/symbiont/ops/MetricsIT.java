package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ops.PrometheusText.Sample;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What roles tell about themselves after a few tasks: figures, health and logs.
class MetricsIT {

  private static final Duration SOON = Duration.ofSeconds(15);
  private static final Pattern METER = Pattern.compile("\\bsymbiont_[a-z_]+[a-z]\\b");
  private static final Path PROMTOOL = Path.of("/usr/bin/promtool");

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static final Map<String, Integer> ports = new HashMap<>();
  private static final Map<String, SymbiontProcess> roles = new HashMap<>();
  private static final HttpClient http = HttpClient.newHttpClient();
  private static String failedId;

  @BeforeAll
  static void start() {
    fleet = new FleetProcesses(folder, Map.of());
    for (String role : List.of("ledger", "router", "dispatcher", "gateway")) {
      if (role.equals("dispatcher")) {
        fleet.environment().put("SYMBIONT_LOG", "json"); // for this one and the gateway
      }
      int port = FleetProcesses.freePort();
      ports.put(role, port);
      roles.put(role, fleet.start(List.of("-Dsymbiont.metrics.port=" + port), role));
    }
    roles.forEach((role, process) -> process.awaitOutput(role + " is up"));
    roles.forEach((_, process) -> assertThat(process.output().lines()).hasSizeLessThan(20));
    Gateway gateway = fleet.gateway();
    await("the ledger").atMost(SOON).until(gateway::hasLedger);

    post("Summarize this", "high");
    post("[[sim:429 model=sonnet]] write", "normal", "sonnet");
    post("Extract the date", "low", "haiku");
    failedId = post("[[sim:400]] x", "normal", "haiku").path("id").asString();
  }

  @AfterAll
  static void stop() throws IOException {
    http.close();
    fleet.close();
  }

  @Test
  void theFiguresAreThoseOfTheLedger() {
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              PrometheusText ledger = metrics("ledger");
              List<JsonNode> lines = fleet.ledger();
              assertThat(ledger.sum("symbiont_calls_total")).isEqualTo(lines.size()).isEqualTo(6);
              for (JsonNode line : lines) {
                assertThat(ledger.sum("symbiont_calls_total", sample -> isOf(sample, line)))
                    .isEqualTo(1.0 * lines.stream().filter(it -> isAlike(it, line)).count());
              }
              for (String tier : List.of("haiku", "sonnet", "opus")) {
                assertTier(ledger, tier, lines.stream().filter(in("tier", tier)).toList());
              }
              assertThat(ledger.sum("symbiont_journal_lines_total"))
                  .isEqualTo(fleet.journal().size());
              assertThat(answers(ledger, "granted")).isEqualTo(lines.size());
            });
  }

  private static void assertTier(PrometheusText ledger, String tier, List<JsonNode> lines) {
    Predicate<Sample> ofTier = it -> it.has("tier", tier);
    assertThat(ledger.sum("symbiont_cost_dollars_total", ofTier))
        .isCloseTo(sum(lines, "estimated_cost_usd"), within(1e-9));
    assertThat(ledger.sum("symbiont_call_seconds_sum", ofTier))
        .isCloseTo(sum(lines, "elapsed_seconds"), within(1e-6));
    for (String kind : List.of("input", "output", "cache_read", "cache_write")) {
      assertThat(ledger.sum("symbiont_tokens_total", ofTier.and(it -> it.has("kind", kind))))
          .isEqualTo(sum(lines, kind + "_tokens"));
    }
  }

  @Test
  void everyTaskIsCountedWhereItPasses() {
    assertThat(metrics("gateway").samples())
        .filteredOn(it -> it.name().equals("symbiont_tasks_accepted_total"))
        .extracting(it -> it.labels().get("priority") + " " + (int) it.value())
        .containsExactlyInAnyOrder("high 1", "normal 2", "low 1");
    assertThat(
            metrics("gateway")
                .sum("symbiont_http_requests_seconds_count", it -> it.has("path", "/task")))
        .isEqualTo(4);
    assertThat(
            metrics("gateway")
                .sum("symbiont_http_requests_seconds_count", it -> it.has("status", "502")))
        .isEqualTo(1);
    assertThat(
            metrics("router")
                .sum("symbiont_tasks_routed_total", it -> it.has("decided_by", "forced")))
        .isEqualTo(3);
    assertThat(
            metrics("router")
                .sum("symbiont_tasks_routed_total", it -> it.has("decided_by", "model")))
        .isEqualTo(1);
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              PrometheusText ledger = metrics("ledger");
              assertThat(ledger.sum("symbiont_tasks_ended_total", it -> it.has("state", "failed")))
                  .isEqualTo(1);
              assertThat(
                      ledger.sum("symbiont_tasks_ended_total", it -> it.has("state", "succeeded")))
                  .isEqualTo(3);
              assertThat(ledger.sum("symbiont_task_overhead_seconds_count")).isEqualTo(3);
            });
  }

  @Test
  void theFleetIsSeenFromTheLedger() {
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              PrometheusText ledger = metrics("ledger");
              assertThat(
                      ledger.sum(
                          "symbiont_tier_state",
                          it -> it.has("tier", "sonnet") && it.has("state", "limited")))
                  .isEqualTo(1);
              assertThat(ledger.sum("symbiont_tier_state")).isEqualTo(3);
              assertThat(ledger.sum("symbiont_workers")).isEqualTo(4);
              assertThat(ledger.sum("symbiont_ledger_lag_lines")).isZero();
              assertThat(ledger.sum("symbiont_ledger_writable")).isEqualTo(1);
              assertThat(ledger.sum("symbiont_disk_free_bytes")).isPositive();
              assertThat(ledger.sum("symbiont_queue_messages")).isZero();
              assertThat(
                      ledger.sum(
                          "symbiont_queue_consumers",
                          it -> it.has("queue", "symbiont.tier.opus.normal")))
                  .isEqualTo(1);
              assertThat(ledger.sum("symbiont_heartbeat_timestamp_seconds")).isPositive();
            });
    assertThat(metrics("dispatcher").sum("symbiont_calls_running")).isZero();
    assertThat(metrics("dispatcher").sum("symbiont_limiter_free")).isPositive();
  }

  @Test
  void everyRoleSaysWhetherItCanWork() {
    for (String role : roles.keySet()) {
      assertThat(get(port(role), "/health/live").statusCode()).isEqualTo(200);
      assertThat(get(port(role), "/health/ready").body()).isEqualTo("{\"status\":\"up\"}");
      assertThat(get(port(role), "/nowhere").statusCode()).isEqualTo(404);
    }
    assertThat(get(fleet.port, "/health/ready").body()).isEqualTo("{\"status\":\"up\"}");
    assertThat(PrometheusText.parse(get(fleet.port, "/metrics").body()).sum("symbiont_worker_info"))
        .isEqualTo(1);
  }

  /// A board with a misspelt name would show nothing, and an alert would never fire.
  @ParameterizedTest
  @ValueSource(strings = {"grafana/symbiont.json", "prometheus/alerts.yml", "README.md"})
  void boardAlertsAndTableNameMetersThatThereAre(String file) throws IOException {
    String text = Files.readString(SymbiontProcess.ROOT.resolve("ops").resolve(file));
    Set<String> named =
        METER.matcher(text).results().map(MatchResult::group).collect(Collectors.toSet());

    Set<String> shown =
        roles.keySet().stream()
            .flatMap(role -> metrics(role).samples().stream())
            .map(Sample::name)
            .flatMap(it -> Stream.of(it, it.replaceAll("_(bucket|count|sum|max)$", "")))
            .collect(Collectors.toSet());

    assertThat(named).hasSizeGreaterThan(5);
    assertThat(shown).containsAll(named);
  }

  @ParameterizedTest
  @ValueSource(strings = {"check rules alerts.yml", "test rules alerts-test.yml"})
  void theAlertsAreWhatTheySay(String command) throws Exception {
    assumeTrue(Files.isExecutable(PROMTOOL), "no promtool");
    var arguments = new ArrayList<>(List.of(PROMTOOL.toString()));
    arguments.addAll(List.of(command.split(" ", -1)));

    var process =
        new ProcessBuilder(arguments)
            .directory(SymbiontProcess.ROOT.resolve("ops/prometheus").toFile())
            .redirectErrorStream(true)
            .start();

    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"ledger", "router", "dispatcher", "gateway"})
  void prometheusOwnToolHasNothingToSayAgainstThePage(String role) throws Exception {
    assumeTrue(Files.isExecutable(PROMTOOL), "no promtool");

    var process =
        new ProcessBuilder(PROMTOOL.toString(), "check", "metrics")
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().write(page(role).getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().close();

    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
  }

  @Test
  void aFailedTaskIsFoundInTheLogs() {
    assertThat(output("gateway").lines().filter(it -> it.contains(failedId)))
        .hasSize(2)
        .allSatisfy(
            it -> {
              JsonNode line = Codec.mapper().readTree(it);
              assertThat(line.path("task").asString()).isEqualTo(failedId);
              assertThat(line.path("level").asString()).isEqualTo("INFO");
            });
    assertThat(output("router")).containsPattern("INFO .*: task " + failedId + " goes to haiku");
    assertThat(output("dispatcher").lines().filter(it -> it.contains(failedId)))
        .map(it -> Codec.mapper().readTree(it))
        .allMatch(it -> it.path("task").asString().equals(failedId))
        .anyMatch(it -> it.path("message").asString().matches("call .* ended: refused after .*"))
        .anyMatch(it -> it.path("message").asString().matches("task .* is failed: .*"));
  }

  private static String output(String role) {
    return Objects.requireNonNull(roles.get(role)).output();
  }

  private static JsonNode post(String prompt, String priority) {
    return post(prompt, priority, null);
  }

  private static JsonNode post(String prompt, String priority, @Nullable String tier) {
    ObjectNode task = Codec.mapper().createObjectNode().put("task", prompt);
    task.put("priority", priority);
    if (tier != null) {
      task.put("force_tier", tier);
    }
    return fleet.gateway().post("/task", task).body();
  }

  private static double answers(PrometheusText ledger, String kind) {
    return ledger.sum("symbiont_grant_answers_total", it -> it.has("answer", kind));
  }

  private static boolean isOf(Sample sample, JsonNode line) {
    return Stream.of("tier", "purpose", "outcome")
        .allMatch(it -> sample.has(it, line.path(it).asString()));
  }

  private static boolean isAlike(JsonNode line, JsonNode other) {
    return Stream.of("tier", "purpose", "outcome")
        .allMatch(it -> line.path(it).equals(other.path(it)));
  }

  private static Predicate<JsonNode> in(String field, String value) {
    return line -> line.path(field).asString().equals(value);
  }

  private static double sum(List<JsonNode> lines, String field) {
    return lines.stream().mapToDouble(it -> it.path(field).asDouble()).sum();
  }

  private static PrometheusText metrics(String role) {
    return PrometheusText.parse(page(role));
  }

  private static String page(String role) {
    HttpResponse<String> answer = get(port(role), "/metrics");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/plain; version=0.0.4");
    return answer.body();
  }

  private static int port(String role) {
    return Objects.requireNonNull(ports.get(role));
  }

  private static HttpResponse<String> get(int port, String path) {
    try {
      return http.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port, path))).build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
