package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.testing.TestBroker;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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

/// A fleet on a broker where each role has a user of its own, which may do nothing that it need
/// not.
class ProvisionedFleetIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir private static Path folder;
  private static ProvisionedNode node;
  private static FleetProcesses fleet;
  private static Gateway gateway;
  private static TestBroker producer;

  @BeforeAll
  static void start() throws Exception {
    node = ProvisionedNode.start(folder);
    fleet =
        new FleetProcesses(
            TestBroker.at(node.operator()),
            folder,
            Map.of("SPRING_APPLICATION_JSON", "{\"symbiont.dispatcher.first-wait\": \"10ms\"}"));
    node.importDefinitions(); // a fleet of processes begins with a clean broker
    for (String role : List.of("ledger", "router", "dispatcher", "gateway")) {
      fleet.environment().put("SYMBIONT_BROKER", node.address(role).toString());
      SymbiontProcess process = fleet.start(role).awaitOutput(role + " is up");
      assertThat(process.awaitOutput("connected to the broker").output()).doesNotContain("WARN");
    }
    gateway = fleet.gateway();
    await("the ledger").atMost(PATIENCE).until(() -> gateway.hasLedger());
    producer = TestBroker.at(node.address("producer"));
  }

  @AfterAll
  static void stop() throws IOException {
    producer.close();
    fleet.close();
    node.close();
  }

  @Test
  void aTaskOverHttpIsClassifiedCalledAndAnswered() {
    JsonNode answer = gateway.post("/task", task("over-http", "Say hello")).orFail();

    assertThat(answer.path("status").asString()).isEqualTo("succeeded");
    assertThat(answer.path("decision").path("decided_by").asString()).isEqualTo("model");
  }

  @Test
  void aTaskOverAmqpIsAnsweredAndSeen() throws Exception {
    try (TestBroker watcher = TestBroker.at(node.address("watcher"))) {
      String seen = watcher.replyQueue();
      watcher.channel().queueBind(seen, Topology.EVENTS, "task.succeeded");
      String replies = producer.replyQueue();

      publish(replies, task("over-amqp", "Say hello").toString());

      assertSucceeded(replies);
      assertThat(Codec.mapper().readTree(watcher.take(seen).getBody()).path("task_id").asString())
          .isNotEmpty();
    }
  }

  @Test
  void whatWasSetAsideIsReplayed() {
    ObjectNode task = task("set-aside", "[[sim:crash]]").put("force_tier", "opus");
    gateway.post("/queue", task).orFail();
    await().atMost(PATIENCE).until(() -> !letter("set-aside").isMissingNode());

    gateway.post("/dead-letters/set-aside/replay", task("set-aside", "better")).orFail();

    awaitStatus("set-aside", "succeeded");
  }

  @Test
  void aMessageThatIsNoTaskIsPutRightAndReplayed() {
    String replies = producer.replyQueue();
    publish(replies, "{\"tusk\": \"typo\"}");
    JsonNode letter =
        await().atMost(PATIENCE).until(() -> letter("message~"), it -> !it.isMissingNode());

    String path = "/dead-letters/%s/replay".formatted(letter.path("id").asString());
    gateway.post(path, Codec.mapper().createObjectNode().put("task", "no typo")).orFail();

    assertSucceeded(replies);
  }

  @Test
  void aTierIsPausedAndWokenAndATaskWaitsMeanwhile() {
    gateway.post("/tiers/sonnet/pause", none()).orFail();
    ObjectNode task = task("waits", "later").put("force_tier", "sonnet");
    gateway.post("/queue", task.put("allow_fallback", false)).orFail();
    awaitStatus("waits", "waiting");

    gateway.post("/tiers/sonnet/wake", none()).orFail();

    awaitStatus("waits", "succeeded");
  }

  @Test
  void aRunningCallIsCancelled() {
    gateway.post("/queue", task("unwanted", "[[sim:hang]]").put("force_tier", "haiku")).orFail();
    awaitStatus("unwanted", "running");

    assertThat(gateway.delete("/tasks/unwanted").status()).isEqualTo(202);

    awaitStatus("unwanted", "cancelled");
  }

  @Test
  void theLedgerWriterCanHoldEverythingAgainstTheQueues() {
    assertThat(gateway.get("/reconcile").orFail().path("ends_without_beginnings")).isEmpty();
    assertThat(gateway.post("/heartbeat", none()).orFail().isEmpty()).isFalse();
  }

  private static ObjectNode task(String id, String prompt) {
    return Codec.mapper().createObjectNode().put("id", id).put("task", prompt);
  }

  private static ObjectNode none() {
    return Codec.mapper().createObjectNode();
  }

  private static void publish(String replies, String body) {
    producer.publish(
        Topology.TASKS,
        "normal",
        new AMQP.BasicProperties.Builder().replyTo(replies).build(),
        body.getBytes(StandardCharsets.UTF_8));
  }

  private static void assertSucceeded(String replies) {
    JsonNode result = Codec.mapper().readTree(producer.take(replies).getBody());
    assertThat(result.path("status").asString()).isEqualTo("succeeded");
  }

  private static void awaitStatus(String id, String status) {
    await(id + " " + status)
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(gateway.get("/tasks/" + id).body().path("status").asString())
                    .isEqualTo(status));
  }

  private static JsonNode letter(String id) {
    return gateway
        .get("/dead-letters")
        .body()
        .path("dead_letters")
        .valueStream()
        .filter(it -> it.path("id").asString().startsWith(id))
        .findFirst()
        .orElse(Codec.mapper().missingNode());
  }
}
