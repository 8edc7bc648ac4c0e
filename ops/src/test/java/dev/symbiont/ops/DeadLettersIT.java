package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What an operator does with what was set aside.
class DeadLettersIT {

  private static final String QUEUE = "symbiont.dead-letters";

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static Gateway gateway;

  @BeforeAll
  static void start() {
    fleet =
        new FleetProcesses(
            folder,
            Map.of("SPRING_APPLICATION_JSON", "{\"symbiont.dispatcher.first-wait\": \"10ms\"}"));
    for (String role : new String[] {"ledger", "router", "dispatcher", "gateway"}) {
      fleet.start(role).awaitOutput(role + " is up");
    }
    gateway = fleet.gateway();
    await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> gateway.hasLedger());
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Test
  void lookingChangesNothingHoweverOften() {
    String first = setAside("looked-at-1");
    String second = setAside("looked-at-2");
    long depth = fleet.broker.depth(QUEUE);
    JsonNode before = gateway.get("/dead-letters").body();

    for (int i = 0; i < 100; i++) {
      assertThat(gateway.get("/dead-letters").body()).isEqualTo(before);
    }

    assertThat(before.path("dead_letters"))
        .extracting(it -> it.path("id").asString())
        .containsSubsequence(second, first);
    assertThat(before.path("by_cause").properties()).isNotEmpty();
    assertThat(fleet.broker.depth(QUEUE)).isEqualTo(depth);
    JsonNode shown = gateway.get("/tasks/" + first).body();
    assertThat(shown.path("reason").asString()).startsWith("no tier brought an answer");
    assertThat(shown.path("calls")).hasSize(3);
  }

  @Test
  void aReplayedTaskGoesOnUnderItsOwnIdAndKeepsWhatItHasCost() {
    String id = setAside("replayed");
    long depth = fleet.broker.depth(QUEUE);

    var replay = Codec.mapper().createObjectNode().put("task", "better").put("tier", "opus");
    assertThat(gateway.post("/dead-letters/" + id + "/replay", replay).status()).isEqualTo(200);

    JsonNode task = await().until(() -> ended(id), it -> !it.isMissingNode());
    assertThat(task.path("status").asString()).isEqualTo("succeeded");
    assertThat(task.path("task").asString()).isEqualTo("better");
    assertThat(task.path("decision").path("decided_by").asString()).isEqualTo("operator");
    assertThat(task.path("calls")).hasSize(4);
    assertThat(task.path("result").path("tier").asString()).isEqualTo("opus");
    await().untilAsserted(() -> assertThat(fleet.broker.depth(QUEUE)).isEqualTo(depth - 1));
    assertThat(gateway.post("/dead-letters/" + id + "/replay", replay).status()).isEqualTo(409);
  }

  @Test
  void aReplayThatFailsAgainIsSetAsideAgain() {
    String id = setAside("again");

    assertThat(gateway.post("/dead-letters/" + id + "/replay", none()).status()).isEqualTo(200);

    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(letter(id).path("replays").asInt()).isEqualTo(1));
    assertThat(gateway.get("/tasks/" + id).body().path("calls")).hasSize(6);
    assertThat(gateway.delete("/dead-letters/" + id).status()).isEqualTo(200);
  }

  @Test
  void whatIsDiscardedIsGoneFromTheListAndTheQueueButNotFromTheJournal() {
    String id = setAside("discarded");
    long depth = fleet.broker.depth(QUEUE);

    assertThat(gateway.delete("/dead-letters/" + id).status()).isEqualTo(200);

    assertThat(letter(id).isMissingNode()).isTrue();
    assertThat(gateway.get("/tasks/" + id).body().path("status").asString()).isEqualTo("set_aside");
    assertThat(gateway.delete("/dead-letters/" + id).status()).isEqualTo(409);
    await().untilAsserted(() -> assertThat(fleet.broker.depth(QUEUE)).isEqualTo(depth - 1));
  }

  @Test
  void aMessageThatIsNoTaskIsPutRightAndSentAgain() {
    String replies = fleet.broker.replyQueue();
    publishTypo(new AMQP.BasicProperties.Builder().replyTo(replies).build());
    String id = letterOfAMessage();

    putRight(id);

    assertSucceeded(replies);
    await().untilAsserted(() -> assertThat(letter(id).isMissingNode()).isTrue());
  }

  /// A role that dies while it sets a message aside leaves a second copy of it.
  @Test
  void copiesOfOneMessageAreOneLetterAndAreSentOnce() {
    String replies = fleet.broker.replyQueue();
    long depth = fleet.broker.depth(QUEUE);
    var properties =
        new AMQP.BasicProperties.Builder().replyTo(replies).messageId("the same").build();
    publishTypo(properties);
    publishTypo(properties);
    await().until(() -> fleet.broker.depth(QUEUE) == depth + 2);
    String id = letterOfAMessage();

    putRight(id);

    assertSucceeded(replies);
    await().untilAsserted(() -> assertThat(fleet.broker.depth(QUEUE)).isEqualTo(depth));
    publishTypo(properties); // and one that comes late
    await().untilAsserted(() -> assertThat(letter(id).isMissingNode()).isTrue());
    await().untilAsserted(() -> assertThat(fleet.broker.depth(QUEUE)).isEqualTo(depth));
    assertThat(fleet.broker.depth(replies)).isZero();
  }

  @Test
  void messagesThatAreEqualButNotTheSameAreTwoLetters() {
    String replies = fleet.broker.replyQueue();
    long depth = fleet.broker.depth(QUEUE);
    var properties = new AMQP.BasicProperties.Builder().replyTo(replies).build();
    publishTypo(properties);
    publishTypo(properties);
    await().until(() -> fleet.broker.depth(QUEUE) == depth + 2);

    putRight(letterOfAMessage());

    assertSucceeded(replies);
    await().untilAsserted(() -> assertThat(fleet.broker.depth(QUEUE)).isEqualTo(depth + 1));

    putRight(letterOfAMessage());

    assertSucceeded(replies);
    await().untilAsserted(() -> assertThat(letter("message~").isMissingNode()).isTrue());
  }

  @Test
  void wrongUseIsToldApart() {
    assertThat(gateway.delete("/dead-letters/no-such-task").status()).isEqualTo(404);
    var tier = Codec.mapper().createObjectNode().put("tier", "gpt");
    JsonNode problem = gateway.post("/dead-letters/any/replay", tier).body();
    assertThat(problem.path("status").asInt()).isEqualTo(422);
    assertThat(problem.path("field").asString()).isEqualTo("tier");
  }

  @Test
  void everythingAddsUp() {
    JsonNode report = gateway.get("/reconcile").body();

    assertThat(report.path("ends_without_beginnings")).isEmpty();
    assertThat(report.path("answered_twice")).isEmpty();
    assertThat(report.path("stranded")).isEmpty();
    assertThat(report.path("ledger_cost_usd").decimalValue())
        .isEqualByComparingTo(report.path("index_cost_usd").decimalValue());
  }

  private static void publishTypo(AMQP.BasicProperties properties) {
    fleet.broker.publish(
        "symbiont.tasks",
        "normal",
        properties,
        "{\"tusk\": \"typo\"}".getBytes(StandardCharsets.UTF_8));
  }

  private static String letterOfAMessage() {
    JsonNode letter =
        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> letter("message~"), it -> !it.isMissingNode());
    assertThat(letter.path("reason").asString()).contains("task");
    return letter.path("id").asString();
  }

  private static void putRight(String id) {
    var replay = Codec.mapper().createObjectNode().put("task", "no typo");
    assertThat(gateway.post("/dead-letters/" + id + "/replay", replay).status()).isEqualTo(200);
  }

  private static void assertSucceeded(String replies) {
    JsonNode result = Codec.mapper().readTree(fleet.broker.take(replies).getBody());
    assertThat(result.path("status").asString()).isEqualTo("succeeded");
  }

  /// A task that no tier can do.
  private static String setAside(String id) {
    var task =
        Codec.mapper()
            .createObjectNode()
            .put("id", id)
            .put("task", "[[sim:crash]]")
            .put("force_tier", "opus");
    gateway.post("/queue", task);
    await("set aside").atMost(Duration.ofSeconds(20)).until(() -> !letter(id).isMissingNode());
    return id;
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

  private static JsonNode ended(String id) {
    JsonNode task = gateway.get("/tasks/" + id).body();
    return task.has("result") ? task : Codec.mapper().missingNode();
  }

  private static JsonNode none() {
    return Codec.mapper().createObjectNode();
  }
}
