package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.ShutdownSignalException;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Tasks and answers at the sizes where something changes: each ends cleanly, is paid once, and
/// leaves the fleet as fast as it was. After each test no message of any step may have been larger
/// than what RabbitMQ 4 takes with a margin, whichever broker the test runs on.
class SizeEdgesIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int MEBIBYTE = 1024 * 1024;
  private static final int LARGEST_MESSAGE = 12 * MEBIBYTE;
  private static final int RABBITMQ_4_TAKES = 16 * MEBIBYTE;

  /// What Linux takes as one argument of a program, without the NUL at its end.
  private static final int LONGEST_ARGUMENT = 128 * 1024 - 1;

  private static final String CLAUDE = "haiku";
  private static final String EXEC = "sonnet";

  @TempDir private static Path folder;
  private static TruthFile truth;
  private static FleetProcesses fleet;
  private static HttpCaller caller;
  private static String steps;

  @BeforeAll
  static void start() throws IOException {
    truth = new TruthFile(folder.resolve("truth.jsonl"));
    String model = sizedModel();
    fleet =
        new FleetProcesses(
            folder,
            Map.of(
                "SYMBIONT_CLAUDE",
                model,
                "SYMBIONT_SIMULATED_TRUTH",
                truth.path().toString(),
                "SPRING_APPLICATION_JSON",
                settings(model)));
    List<SymbiontProcess> roles =
        List.of(
            fleet.start("ledger"),
            fleet.start("router"),
            fleet.start("dispatcher"),
            fleet.start("gateway"));
    roles.forEach(it -> it.awaitOutput("connected to the broker"));
    roles.getLast().awaitOutput("gateway is up");
    caller = HttpCaller.to(fleet.port);
    steps = fleet.broker.replyQueue();
    // What is set aside is as large as it came.
    for (String key : List.of("task.#", "call.#", "tier.#", "worker.#")) {
      fleet.broker.channel().queueBind(steps, Topology.EVENTS, key);
    }
  }

  @AfterAll
  static void stop() throws IOException {
    caller.close();
    fleet.close();
  }

  @AfterEach
  void nothingIsLeftBehind() throws IOException {
    HttpCaller.Answer small = caller.post("/task", bytes(task(CLAUDE, "Say hello")), SOON);
    assertThat(small.status()).isEqualTo(200);
    for (GetResponse step = step(); step != null; step = step()) {
      assertThat(step.getBody().length)
          .as("bytes of %s", step.getEnvelope().getRoutingKey())
          .isLessThan(LARGEST_MESSAGE);
    }
    assertThat(fleet.broker.depth(Topology.DEAD_LETTERS)).isZero();
  }

  @Test
  void aTaskOfTheLargestSizeIsAnswered() {
    ObjectNode task = padded(task(EXEC, ""), Task.MAX_BYTES);

    HttpCaller.Answer answer = caller.post("/task", bytes(task), PATIENCE);

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body().path("result").asString())
        .isEqualTo("read %d bytes".formatted(task.path("task").asString().length()));
    assertPaidOnce(answer.body().path("id").asString(), task);
    JsonNode shown = shown(answer.body().path("id").asString());
    assertThat(shown.path("task")).isEqualTo(task.path("task"));
  }

  @ParameterizedTest
  @CsvSource({"2097153", "16777217"})
  void aLargerOneIsRefused(int size) {
    HttpCaller.Answer answer = caller.post("/queue", bytes(padded(task(EXEC, ""), size)), PATIENCE);

    assertThat(answer.status()).isEqualTo(413);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    assertThat(answer.body().path("detail").asString()).contains(Integer.toString(Task.MAX_BYTES));
  }

  @Test
  void aProducersTaskOfTheLargestSizeIsAnswered() {
    ObjectNode task = padded(task(EXEC, "").put("id", "amqp-largest"), Task.MAX_BYTES);

    JsonNode result = published(task);

    assertThat(result.path("status").asString()).isEqualTo("succeeded");
    assertPaidOnce("amqp-largest", task);
  }

  /// The last is what RabbitMQ 4 just takes.
  @ParameterizedTest
  @CsvSource({"2097153", "16777215", "16777216"})
  void aProducersLargerOneIsSetAside(int size) {
    byte[] body = bytes(padded(task(EXEC, "").put("id", "larger-" + size), size));

    fleet.broker.publish(
        Topology.TASKS, "normal", new AMQP.BasicProperties.Builder().build(), body);

    assertSetAside(body, Integer.toString(Task.MAX_BYTES));
  }

  /// RabbitMQ 4 closes the producer's channel, RabbitMQ 3 takes it.
  @Test
  void aMessageLargerThanRabbitMq4TakesEndsCleanly() throws Exception {
    byte[] body = bytes(padded(task(EXEC, "").put("id", "largest"), RABBITMQ_4_TAKES + 1));

    if (isTaken(body)) {
      assertSetAside(body, Integer.toString(Task.MAX_BYTES));
    }
  }

  /// Each of these comes as two or three bytes and goes on as six.
  @ParameterizedTest
  @CsvSource({"85", "2028"})
  void aPromptThatGrowsOnItsWayIsAnswered(String code) {
    String id = "growing-" + code;
    String character = Character.toString(Integer.parseInt(code, 16));
    int width = character.getBytes(StandardCharsets.UTF_8).length;
    // Not forced: the classification carries it as well.
    ObjectNode task = json().put("id", id);
    String prompt = "[[sim:tier name=sonnet]] " + character.repeat((Task.MAX_BYTES - 100) / width);
    byte[] body =
        "{\"id\": \"%s\", \"task\": \"%s\"}".formatted(id, prompt).getBytes(StandardCharsets.UTF_8);
    task.put("task", prompt);

    HttpCaller.Answer answer = caller.post("/task", body, PATIENCE);

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body().path("tier").asString()).isEqualTo(EXEC);
    assertPaidOnce(id, task);
    assertThat(shown(id).path("task").asString()).isEqualTo(prompt);
  }

  @Test
  void aPromptThatTheModelDoesNotTakeFailsOnce() {
    ObjectNode task = padded(task(CLAUDE, "").put("id", "too-long"), Task.MAX_BYTES);

    HttpCaller.Answer answer = caller.post("/task", bytes(task), PATIENCE);

    assertFailed(answer, "refused");
    assertPaidOnce("too-long", task);
  }

  /// Characters of one byte, of three, and of one that JSON writes as six.
  @ParameterizedTest
  @CsvSource({"4194305, 78", "3000000, 20ac", "4194305, 1"})
  void anAnswerThatIsTooLargeIsCutAndSaidToBe(int count, String code) {
    String id = "answer-" + code;
    ObjectNode task = task(EXEC, "say %d %s".formatted(count, code)).put("id", id);

    JsonNode result = published(task);

    assertThat(result.path("status").asString()).isEqualTo("succeeded");
    assertThat(result.path("truncated").asBoolean(false)).isTrue();
    String text = result.path("result").asString();
    assertThat(text).matches("(?s)\\x{%s}+".formatted(code));
    assertThat(text.getBytes(StandardCharsets.UTF_8).length).isLessThanOrEqualTo(Result.MAX_BYTES);
    assertPaidOnce(id, task);
    assertThat(shown(id).path("result").path("result").asString()).isEqualTo(text);
  }

  @Test
  void anAnswerOfTheLargestSizeIsWhole() {
    ObjectNode task = task(EXEC, "say %d 78".formatted(Result.MAX_BYTES)).put("id", "whole");

    HttpCaller.Answer answer = caller.post("/task", bytes(task), PATIENCE);

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body().has("truncated")).isFalse();
    assertThat(answer.body().path("result").asString()).hasSize(Result.MAX_BYTES);
    assertPaidOnce("whole", task);
  }

  @Test
  void aStructuredAnswerThatIsTooLargeIsLeftOutAndSaidToBe() {
    ObjectNode task = task(EXEC, "structure %d".formatted(5_000_000)).put("id", "structured");
    task.putObject("json_schema").put("type", "object");

    JsonNode result = published(task);

    assertThat(result.path("status").asString()).isEqualTo("succeeded");
    assertThat(result.path("truncated").asBoolean(false)).isTrue();
    assertThat(result.has("structured_output")).isFalse();
    assertPaidOnce("structured", task);
  }

  @ParameterizedTest
  @CsvSource({"5000000", "20000000"})
  void anErrorThatIsTooLargeEndsTheTaskAllTheSame(int count) {
    String id = "error-" + count;
    ObjectNode task = task(CLAUDE, "fail " + count).put("id", id);

    JsonNode result = published(task);

    assertThat(result.path("status").asString()).isEqualTo("failed");
    assertThat(result.path("error").asString()).isNotBlank();
    assertPaidOnce(id, task);
  }

  @Test
  void aSystemPromptAndASchemaOfTheLargestSizeArePassedOn() {
    ObjectNode task = task(CLAUDE, "largest arguments").put("id", "arguments");
    task.put("system", "s".repeat(LONGEST_ARGUMENT)).set("json_schema", schema(LONGEST_ARGUMENT));

    HttpCaller.Answer answer = caller.post("/task", bytes(task), PATIENCE);

    assertThat(answer.status()).as(answer.body().path("detail").asString()).isEqualTo(200);
    assertThat(answer.body().path("structured_output").isObject()).isTrue();
    assertPaidOnce("arguments", task);
  }

  @Test
  void aLargerSystemPromptIsRefusedBeforeAnyCall() {
    ObjectNode task = task(CLAUDE, "larger system prompt").put("id", "system");
    task.put("system", "ü".repeat(LONGEST_ARGUMENT / 2 + 1));

    HttpCaller.Answer answer = caller.post("/task", bytes(task), PATIENCE);

    assertFailed(answer, "refused");
    assertThat(begun(task)).isEmpty();
  }

  @Test
  void aLargerSchemaIsRefusedBeforeAnyCall() {
    ObjectNode task = task(CLAUDE, "larger schema").put("id", "schema");
    task.set("json_schema", schema(LONGEST_ARGUMENT + 1));

    HttpCaller.Answer answer = caller.post("/task", bytes(task), PATIENCE);

    assertFailed(answer, "refused");
    assertThat(begun(task)).isEmpty();
  }

  @Test
  void asManyLabelsAsThereMayBeAreCarriedWhateverTheirSize() {
    ObjectNode task = task(CLAUDE, "many labels").put("id", "labels");
    ObjectNode labels = task.putObject("labels");
    for (int i = 0; i < 64; i++) {
      labels.put("label-" + i, "v".repeat(30_000));
    }

    HttpCaller.Answer answer = caller.post("/task", bytes(task), PATIENCE);

    assertThat(answer.status()).isEqualTo(200);
    assertPaidOnce("labels", task);
  }

  @ParameterizedTest
  @CsvSource({"65", "100000"})
  void moreLabelsAreRefused(int count) {
    ObjectNode task = task(CLAUDE, "too many labels").put("id", "labels-" + count);
    ObjectNode labels = task.putObject("labels");
    for (int i = 0; i < count; i++) {
      labels.put("l" + i, "v");
    }

    HttpCaller.Answer answer = caller.post("/queue", bytes(task), PATIENCE);
    fleet.broker.publish(
        Topology.TASKS, "normal", new AMQP.BasicProperties.Builder().build(), bytes(task));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.body().path("field").asString()).isEqualTo("labels");
    assertSetAside(bytes(task), "labels");
    assertThat(begun(task)).isEmpty();
  }

  private static String sizedModel() throws IOException {
    Path program = folder.resolve("sized-model");
    try (var in = SizeEdgesIT.class.getResourceAsStream("/sized-model.py")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      Path simulated = SymbiontProcess.ROOT.resolve("ops/simulated-claude/claude");
      Files.writeString(program, text.replace("@SIMULATED@", simulated.toString()));
    }
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    return program.toString();
  }

  private static String settings(String model) {
    return """
    {"symbiont": {"tiers": [
      {"name": "haiku", "model": "haiku", "concurrency": 4, "timeout": "30s",
       "rate": {"calls": 6000, "period": "1m"}},
      {"name": "sonnet", "adapter": "exec", "concurrency": 4, "timeout": "30s",
       "rate": {"calls": 6000, "period": "1m"}, "command": ["%s", "%s"]}]}}
    """
        .formatted(model, truth.path());
  }

  private static ObjectNode json() {
    return Codec.mapper().createObjectNode();
  }

  private static ObjectNode task(String tier, String prompt) {
    return json().put("task", prompt).put("force_tier", tier);
  }

  private static byte[] bytes(JsonNode task) {
    return Codec.mapper().writeValueAsBytes(task);
  }

  /// With a prompt that makes it just so large.
  private static ObjectNode padded(ObjectNode task, int size) {
    return task.put("task", "x".repeat(size - bytes(task).length));
  }

  /// A schema that is this long as text.
  private static JsonNode schema(int length) {
    ObjectNode schema = json().put("type", "object").put("description", "");
    return schema.put("description", "d".repeat(length - schema.toString().length()));
  }

  /// As a producer with a reply queue gets it.
  private static JsonNode published(ObjectNode task) {
    String replies = fleet.broker.replyQueue();
    fleet.broker.publish(
        Topology.TASKS,
        "normal",
        new AMQP.BasicProperties.Builder().replyTo(replies).build(),
        bytes(task));
    byte[] result = fleet.broker.take(replies).getBody();
    assertThat(result.length).as("bytes of the result").isLessThan(LARGEST_MESSAGE);
    return Codec.mapper().readTree(result);
  }

  /// A ledger-writer that has just read tens of megabytes may have a gateway say that it takes its
  /// time: 503, and come again.
  private static JsonNode shown(String id) {
    return await("task " + id)
        .atMost(SOON)
        .until(() -> caller.get("/tasks/" + id, SOON), it -> it.status() != 503)
        .body();
  }

  private static List<JsonNode> begun(JsonNode task) {
    byte[] prompt = task.path("task").asString().getBytes(StandardCharsets.UTF_8);
    String digest = HexFormat.of().formatHex(Ids.sha256().digest(prompt));
    return truth.begun().stream()
        .filter(it -> it.path("prompt_sha256").asString().equals(digest))
        .toList();
  }

  private static void assertPaidOnce(String id, JsonNode task) {
    await("the ledger")
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(fleet.ledger())
                    .filteredOn(it -> it.path("task_id").asString().equals(id))
                    .filteredOn(it -> it.path("purpose").asString().equals("task"))
                    .hasSize(1));
    assertThat(begun(task)).hasSize(1);
  }

  private static void assertFailed(HttpCaller.Answer answer, String outcome) {
    assertThat(answer.status()).isEqualTo(502);
    assertThat(answer.body().path("outcome").asString()).isEqualTo(outcome);
  }

  private static void assertSetAside(byte[] body, String reason) {
    GetResponse dead = fleet.broker.take(Topology.DEAD_LETTERS);
    assertThat(Arrays.equals(dead.getBody(), body)).as("it lies there as it came").isTrue();
    assertThat(dead.getProps().getHeaders().get(Topology.REASON_HEADER))
        .asString()
        .contains(reason);
    await("the journal")
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(fleet.journal())
                    .filteredOn(it -> it.path("schema").asString().equals("symbiont.set-aside.v1"))
                    .extracting(it -> it.path("body").path("bytes").asInt())
                    .contains(body.length));
  }

  private static boolean isTaken(byte[] body) throws Exception {
    Channel channel = fleet.broker.channel().getConnection().createChannel();
    try {
      channel.confirmSelect();
      channel.basicPublish(
          Topology.TASKS, "normal", new AMQP.BasicProperties.Builder().build(), body);
      boolean confirmed = channel.waitForConfirms(PATIENCE.toMillis());
      channel.close();
      return confirmed;
    } catch (ShutdownSignalException e) {
      assertThat(e.getMessage()).contains("PRECONDITION_FAILED");
      return false;
    }
  }

  private static GetResponse step() throws IOException {
    return fleet.broker.channel().basicGet(steps, true);
  }
}
