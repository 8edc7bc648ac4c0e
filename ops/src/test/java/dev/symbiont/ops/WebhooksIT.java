package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.sun.net.httpserver.HttpServer;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A fleet that calls a receiver on loopback, which hears, fails or is gone as its paths say.
class WebhooksIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static HttpServer receiver;
  private static final List<Heard> HEARD = new CopyOnWriteArrayList<>();

  /// @param id the header `webhook-id`
  private record Heard(String path, String id, JsonNode body) {}

  @BeforeAll
  static void start() throws IOException {
    receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    receiver.createContext(
        "/",
        exchange -> {
          JsonNode body = Codec.mapper().readTree(exchange.getRequestBody().readAllBytes());
          String path = exchange.getRequestURI().getPath();
          String id = exchange.getRequestHeaders().getFirst("webhook-id");
          boolean first = HEARD.stream().noneMatch(it -> it.id.equals(id));
          HEARD.add(new Heard(path, id, body));
          int status =
              switch (path) {
                case "/gone" -> 410;
                case "/at-last" -> first ? 503 : 204;
                default -> 204;
              };
          exchange.sendResponseHeaders(status, -1);
          exchange.close();
        });
    receiver.start();
    fleet =
        new FleetProcesses(
            folder,
            Map.of(
                "SYMBIONT_WEBHOOK_SECRET",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "SYMBIONT_SIMULATED_SECONDS",
                "0",
                "SPRING_APPLICATION_JSON",
                """
                {"symbiont": {"gateway": {"webhooks": {"allow-private": true}},
                  "ledger": {"webhooks": [{"url": "%s"}]},
                  "tiers": [{"name": "haiku"}], "router": {"default-tier": "haiku"}}}
                """
                    .formatted(url("/tiers"))));
    for (String role : List.of("ledger", "router", "dispatcher", "gateway")) {
      fleet.start(role).awaitOutput(role + " is up");
    }
    await("the ledger").atMost(PATIENCE).until(() -> fleet.gateway().hasLedger());
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
    receiver.stop(0);
  }

  @Test
  void theEndOfATaskIsTold() {
    String id = queue("/done", "hello");

    Heard heard = await().atMost(PATIENCE).until(() -> heard(id), it -> !it.isEmpty()).getFirst();
    assertThat(heard.path).isEqualTo("/done");
    assertThat(heard.id).isEqualTo("msg_" + id + ".0");
    assertThat(heard.body.path("type").asString()).isEqualTo("task.succeeded");
    JsonNode data = heard.body.path("data");
    assertThat(data.path("result").asString()).isNotEmpty();
    assertThat(data.path("labels").path("team").asString()).isEqualTo("red");
    assertThat(data.path("total_cost_usd").isNumber()).isTrue();
  }

  @Test
  void aTaskFromTheBrokerAndACancelledOneAreToldAsWell() {
    fleet.broker.publish(
        Topology.TASKS,
        "normal",
        new AMQP.BasicProperties.Builder().deliveryMode(2).build(),
        task("/done", "hello").put("id", "produced-1").toString().getBytes(StandardCharsets.UTF_8));
    await().atMost(PATIENCE).until(() -> !heard("produced-1").isEmpty());

    String id = queue("/done", "[[sim:ok delay=20]] x");
    fleet.gateway().delete("/tasks/" + id);
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(heard(id))
                    .extracting(it -> it.body.path("type").asString())
                    .containsExactly("task.cancelled"));
  }

  @Test
  void whatIsNotHeardComesAgain() {
    String id = queue("/at-last", "hello");

    await().atMost(PATIENCE).until(() -> heard(id).size() == 2);
    assertThat(heard(id)).extracting(Heard::id).containsOnly("msg_" + id + ".0");
    assertThat(heard(id).get(1).body).isEqualTo(heard(id).get(0).body);
  }

  @Test
  void whoIsGoneIsLeftToAnOperatorWhoCanReplayIt() {
    String id = queue("/gone", "hello");

    JsonNode letter =
        await().atMost(PATIENCE).until(() -> letter("msg_" + id), it -> !it.isMissingNode());
    assertThat(letter.path("reason").asString())
        .isEqualTo(
            "webhook msg_%s.0 (task.succeeded) was not heard in 1 attempts: the receiver answered 410"
                .formatted(id));
    assertThat(fleet.gateway().get("/tasks/" + id).body().path("status").asString())
        .isEqualTo("succeeded");
    String replay = "/dead-letters/%s/replay".formatted(letter.path("id").asString());
    assertThat(fleet.gateway().post(replay, Codec.mapper().createObjectNode()).status())
        .isEqualTo(200);
    await().atMost(PATIENCE).until(() -> heard(id).size() == 2);
  }

  @Test
  void aChangeOfATierIsTold() {
    queue("/done", "[[sim:limit before=%d]]".formatted(Instant.now().getEpochSecond() + 2));

    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(HEARD)
                    .filteredOn(it -> it.path.equals("/tiers"))
                    .extracting(it -> it.body.path("type").asString())
                    .contains("tier.limited", "tier.open"));
  }

  private static List<Heard> heard(String taskId) {
    return HEARD.stream()
        .filter(it -> it.body.path("data").path("id").asString("").equals(taskId))
        .toList();
  }

  private static JsonNode letter(String about) {
    for (JsonNode each : fleet.gateway().get("/dead-letters").body().path("dead_letters")) {
      if (each.path("reason").asString().contains(about)) {
        return each;
      }
    }
    return Codec.mapper().missingNode();
  }

  private static String queue(String path, String prompt) {
    Gateway.Answer answer = fleet.gateway().post("/queue", task(path, prompt));
    assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
    return answer.body().path("id").asString();
  }

  private static ObjectNode task(String path, String prompt) {
    ObjectNode task = Codec.mapper().createObjectNode().put("task", prompt);
    task.put("force_tier", "haiku").put("webhook", url(path));
    task.putObject("labels").put("team", "red");
    return task;
  }

  private static String url(String path) {
    return "http://127.0.0.1:%d%s".formatted(receiver.getAddress().getPort(), path);
  }
}
