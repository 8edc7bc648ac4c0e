package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.journal.ChainedLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Programs that publish straight to the broker, and a fleet of processes without any gateway.
class ProducersIT {

  private static final int TASKS = 200;

  @TempDir private Path folder;
  private FleetProcesses fleet;

  @BeforeEach
  void start() {
    fleet = new FleetProcesses(folder, Map.of("SYMBIONT_SIMULATED_SECONDS", "0.3"));
    fleet.start("ledger").awaitOutput("ledger is up");
    fleet.start("router").awaitOutput("router is up");
  }

  @AfterEach
  void stop() throws IOException {
    fleet.close();
  }

  @Test
  void theExamplesGetTheirResultsWithoutAGateway() throws Exception {
    fleet.start("dispatcher").awaitOutput("dispatcher is up");

    JsonNode java =
        example(
            List.of(
                javaProgram(), "-cp", classPath(), "examples/java/Produce.java", "Say \"hello\""));

    assertThat(java.path("status").asString()).isEqualTo("succeeded");
    assertThat(java.path("result").asString()).contains("Say \"hello\"");
    assertThat(java.path("simulated").asBoolean()).isTrue();
  }

  @Test
  void thePythonExampleGetsItsResult() throws Exception {
    assumeTrue(hasPika(), "python3-pika is not installed: the Python example was not tried");
    fleet.start("dispatcher").awaitOutput("dispatcher is up");

    JsonNode python =
        example(List.of("/usr/bin/python3", "examples/python/produce.py", "Say hello"));

    assertThat(python.path("status").asString()).isEqualTo("succeeded");
  }

  @Test
  void everyTaskEndsOnceWhenOneOfThreeDispatchersIsKilled() throws Exception {
    List<SymbiontProcess> dispatchers =
        List.of(fleet.start("dispatcher"), fleet.start("dispatcher"), fleet.start("dispatcher"));
    dispatchers.forEach(it -> it.awaitOutput("dispatcher is up"));

    for (int i = 0; i < TASKS; i++) {
      publish(
          "{\"task\": \"task %d\", \"id\": \"t-%d\", \"force_tier\": \"haiku\"}".formatted(i, i));
    }
    await("a third of the calls")
        .atMost(Duration.ofSeconds(60))
        .until(() -> fleet.ledger().size() > TASKS / 3);
    dispatchers.getFirst().kill();
    await("every end")
        .atMost(Duration.ofSeconds(90))
        .untilAsserted(() -> assertThat(endedTasks()).hasSize(TASKS));

    List<JsonNode> calls = fleet.ledger();
    Map<String, Long> answered =
        calls.stream()
            .filter(it -> it.path("outcome").asString().equals("answered"))
            .collect(
                Collectors.groupingBy(it -> it.path("task_id").asString(), Collectors.counting()));
    assertThat(answered).hasSize(TASKS).allSatisfy((_, count) -> assertThat(count).isOne());
    assertThat(calls).extracting(it -> it.path("call_id").asString()).doesNotHaveDuplicates();
    assertThat(calls).extracting(it -> it.path("worker").asString()).contains(workers(3));
    // Each call that the killed worker had begun is there, as what it is, and its task was called
    // again.
    List<JsonNode> unknown =
        calls.stream().filter(it -> it.path("outcome").asString().equals("unknown")).toList();
    assertThat(unknown)
        .isNotEmpty()
        .allSatisfy(it -> assertThat(it.path("cost_basis").asString()).isEqualTo("unknown"));
    assertThat(unknown)
        .extracting(it -> it.path("worker").asString())
        .containsOnly(unknown.getFirst().path("worker").asString());
    ChainedLog.verify(folder.resolve("ledger/ledger.jsonl"), _ -> {});
    ChainedLog.verify(folder.resolve("ledger/tasks.jsonl"), _ -> {});
  }

  @Test
  void whatIsNoTaskIsSetAsideAndDelaysNobody() {
    fleet.start("dispatcher").awaitOutput("dispatcher is up");
    List<String> rubbish =
        List.of(
            "no JSON",
            "{\"prompt\": \"a field is missing\"}",
            "[".repeat(10_000) + "]".repeat(10_000),
            "{\"task\": \"" + "x".repeat(5_000_000) + "\"}",
            "{\"task\": \"wrong priority\", \"priority\": \"urgent\"}");
    String replies = fleet.broker.replyQueue();

    rubbish.forEach(this::publish);
    publish(
        "{\"task\": \"unknown version\"}",
        new AMQP.BasicProperties.Builder().type("symbiont.task.v9").build());
    publish("{\"task\": \"good\"}", new AMQP.BasicProperties.Builder().replyTo(replies).build());

    JsonNode result = Codec.mapper().readTree(fleet.broker.take(replies).getBody());
    assertThat(result.path("status").asString()).isEqualTo("succeeded");
    for (String body : rubbish) {
      var dead = fleet.broker.take("symbiont.dead-letters");
      assertThat(new String(dead.getBody(), StandardCharsets.UTF_8)).isEqualTo(body);
      assertThat(dead.getProps().getHeaders().get("symbiont-reason")).asString().isNotBlank();
    }
    var version = fleet.broker.take("symbiont.dead-letters");
    assertThat(version.getProps().getHeaders().get("symbiont-reason"))
        .asString()
        .contains("symbiont.task.v9");
    await()
        .untilAsserted(
            () ->
                assertThat(fleet.journal())
                    .filteredOn(it -> it.path("schema").asString().equals("symbiont.set-aside.v1"))
                    .hasSize(rubbish.size() + 1));
    assertThat(fleet.broker.depth("symbiont.dead-letters")).isZero();
  }

  private Set<String> endedTasks() {
    return fleet.journal().stream()
        .filter(it -> it.path("schema").asString().equals("symbiont.ended.v1"))
        .map(it -> it.path("body").path("task_id").asString())
        .collect(Collectors.toSet());
  }

  private String[] workers(int count) {
    String[] all =
        fleet.ledger().stream()
            .map(it -> it.path("worker").asString())
            .distinct()
            .toArray(String[]::new);
    assertThat(all).hasSize(count);
    return all;
  }

  private void publish(String body) {
    publish(body, new AMQP.BasicProperties.Builder().build());
  }

  private void publish(String body, AMQP.BasicProperties properties) {
    fleet.broker.publish(
        "symbiont.tasks", "normal", properties, body.getBytes(StandardCharsets.UTF_8));
  }

  private JsonNode example(List<String> command) throws Exception {
    var builder = new ProcessBuilder(command).directory(SymbiontProcess.ROOT.toFile());
    builder.environment().clear();
    builder.environment().put("SYMBIONT_BROKER", fleet.broker.address().toString());
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Process process = builder.start();
    byte[] output = process.getInputStream().readAllBytes();
    assertThat(process.waitFor()).isZero();
    return Codec.mapper().readTree(output);
  }

  private static boolean hasPika() throws Exception {
    return new ProcessBuilder("/usr/bin/python3", "-c", "import pika").start().waitFor() == 0;
  }

  private static String javaProgram() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private static String classPath() {
    return System.getProperty("java.class.path");
  }
}
