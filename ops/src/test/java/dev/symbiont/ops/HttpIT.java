package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Callers of the HTTP interface, with every role as a process of its own.
class HttpIT {

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static Gateway gateway;

  @BeforeAll
  static void start() {
    fleet = new FleetProcesses(folder, Map.of());
    fleet.start("ledger").awaitOutput("ledger is up");
    fleet.start("router").awaitOutput("router is up");
    fleet.start("dispatcher").awaitOutput("dispatcher is up");
    fleet.start("gateway").awaitOutput("gateway is up");
    gateway = fleet.gateway();
    await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> gateway.hasLedger());
    await("the first heartbeat")
        .atMost(Duration.ofSeconds(20))
        .until(() -> gateway.get("/status").body().path("last_heartbeat").isString());
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Test
  void theSnippetsOfTheOriginalSystemWork() throws Exception {
    String script;
    try (var in = HttpIT.class.getResourceAsStream("/original-snippets.sh")) {
      script = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    Path file = folder.resolve("snippets.sh");
    Files.writeString(file, script.replace("8111", Integer.toString(fleet.port)));

    Process process = new ProcessBuilder("bash", file.toString()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output)
        .contains("(simulated sonnet) A made-up answer to: Write a haiku about ledgers");
  }

  @Test
  void aTaskIsClassifiedAndItsHistoryCanBeLookedAt() {
    JsonNode answer = gateway.post("/task", task("Design a new consensus algorithm")).body();

    assertThat(answer.path("tier").asString()).isEqualTo("opus");
    assertThat(answer.path("decision").path("decided_by").asString()).isEqualTo("model");
    JsonNode shown = gateway.get("/tasks/" + answer.path("id").asString()).body();
    assertThat(shown.path("status").asString()).isEqualTo("succeeded");
    assertThat(shown.path("task").asString()).isEqualTo("Design a new consensus algorithm");
    assertThat(shown.path("calls"))
        .extracting(it -> it.path("purpose").asString())
        .containsExactly("classification", "task");
    assertThat(shown.path("result").path("result").asString())
        .isEqualTo(answer.path("result").asString());
  }

  @Test
  void aQueuedTaskGetsAPlaceAndLaterAResult() {
    JsonNode queued =
        gateway.post("/queue", task("Extract the date").put("priority", "high")).body();

    assertThat(queued.path("status").asString()).isEqualTo("queued");
    assertThat(queued.path("id").asString()).startsWith("queued-");
    assertThat(queued.path("position").isIntegralNumber()).isTrue();
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(
                        gateway
                            .get("/tasks/" + queued.path("id").asString())
                            .body()
                            .path("status")
                            .asString())
                    .isEqualTo("succeeded"));
  }

  @Test
  void aLimitedTierIsLeftForTheNextOne() {
    JsonNode answer =
        gateway
            .post("/task", task("[[sim:429 model=sonnet]] write").put("force_tier", "sonnet"))
            .body();

    assertThat(answer.path("model").asString()).isEqualTo("opus");
    assertThat(answer.path("tried").path(0).path("tier").asString()).isEqualTo("sonnet");
    assertThat(answer.path("tried").path(0).path("outcome").asString()).isEqualTo("limited");
    assertThat(gateway.get("/status").body().path("rate_limited").asBoolean()).isTrue();

    gateway.post("/tiers/sonnet/wake", task(""));
    gateway.post("/task", task("write").put("force_tier", "sonnet").put("allow_fallback", false));
    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> !gateway.get("/status").body().path("rate_limited").asBoolean());
  }

  @Test
  void wrongRequestsAreToldWhatIsWrong() {
    assertProblem(gateway.post("/task", Codec.mapper().createObjectNode()), 422, "task");
    assertProblem(gateway.post("/task", task("x").put("force_tier", "gpt")), 422, "force_tier");
    assertProblem(gateway.post("/queue", task("x").put("priority", "urgent")), 422, "priority");
    assertProblem(gateway.post("/task", task("x".repeat(2_100_000))), 413);
    assertProblem(gateway.get("/tasks/nobody"), 404);
    assertProblem(gateway.get("/nowhere"), 404);
    assertProblem(gateway.get("/task"), 405);
  }

  @Test
  void aTaskThatFailsSaysWhyAndWhichItWas() {
    Gateway.Answer failed = gateway.post("/task", task("[[sim:400]] x").put("force_tier", "haiku"));

    assertThat(failed.status()).isEqualTo(502);
    assertThat(failed.body().path("outcome").asString()).isEqualTo("refused");
    assertThat(failed.body().path("id").asString()).startsWith("task-");
  }

  @Test
  void aSecondRequestWithTheSameKeyGetsTheSameTask() throws Exception {
    JsonNode first = postWithKey("{\"task\": \"Translate this\"}");
    JsonNode second = postWithKey("{\"task\": \"Translate this\"}");

    assertThat(second.path("id")).isEqualTo(first.path("id"));
    assertThat(second.path("result")).isEqualTo(first.path("result"));
    assertThat(fleet.ledger())
        .filteredOn(it -> it.path("task_id").equals(first.path("id")))
        .filteredOn(it -> it.path("purpose").asString().equals("task"))
        .hasSize(1);
  }

  @Test
  void whatWasSpentIsAddedUpByLabelAndExported() throws Exception {
    JsonNode answer =
        gateway
            .post(
                "/task",
                task("=SUM(A1)").put("force_tier", "haiku").set("labels", label("team", "blue")))
            .body();

    JsonNode blue =
        gateway.get("/ledger/stats?group_by=label:team").body().path("groups").path("blue");
    assertThat(blue.path("calls").asInt()).isEqualTo(1);
    assertThat(blue.path("cost").decimalValue())
        .isEqualByComparingTo(answer.path("estimated_cost_usd").decimalValue());
    try (HttpCaller caller = HttpCaller.to(fleet.port)) {
      var patience = Duration.ofSeconds(20);
      HttpCaller.Answer csv = caller.get("/ledger/export?format=csv&label=team=blue", patience);
      assertThat(csv.header("Content-Type")).startsWith("text/csv");
      assertThat(new String(csv.response().body(), StandardCharsets.UTF_8).lines())
          .hasSize(2)
          .anySatisfy(it -> assertThat(it).startsWith("timestamp,model,"))
          .anySatisfy(it -> assertThat(it).contains("\"'=SUM(A1)\""));
      List<String> columns =
          List.of(
              new String(csv.response().body(), StandardCharsets.UTF_8)
                  .lines()
                  .findFirst()
                  .orElseThrow()
                  .split(",", -1));
      gateway
          .get("/ledger")
          .body()
          .path("entries")
          .forEach(line -> assertThat(columns).containsAll(line.propertyNames()));
      HttpCaller.Answer all = caller.get("/ledger/export", patience);
      assertThat(
              new String(all.response().body(), StandardCharsets.UTF_8)
                  .lines()
                  .map(Codec.mapper()::readTree))
          .hasSize(gateway.get("/ledger?limit=1000").body().path("count").asInt());
    }
  }

  private static ObjectNode label(String name, String value) {
    return Codec.mapper().createObjectNode().put(name, value);
  }

  private static JsonNode postWithKey(String body) throws Exception {
    var connection =
        (java.net.HttpURLConnection)
            java.net.URI.create(gateway.address() + "/task").toURL().openConnection();
    connection.setRequestMethod("POST");
    connection.setRequestProperty("Idempotency-Key", "the-same-key");
    connection.setDoOutput(true);
    connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
    return Codec.mapper().readTree(connection.getInputStream().readAllBytes());
  }

  private static void assertProblem(Gateway.Answer answer, int status, String field) {
    assertProblem(answer, status);
    assertThat(answer.body().path("field").asString()).isEqualTo(field);
  }

  private static void assertProblem(Gateway.Answer answer, int status) {
    assertThat(answer.status()).as(answer.body().toString()).isEqualTo(status);
    assertThat(answer.body().path("detail").asString()).isNotBlank();
  }

  private static ObjectNode task(String prompt) {
    return Codec.mapper().createObjectNode().put("task", prompt);
  }
}
