package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Two gateways in front of one fleet, and callers who use both.
class GatewaysIT {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int SAME_MOMENT = 1_000;
  private static final String SETTINGS =
      """
      {"symbiont": {
        "tiers": [{"name": "haiku", "concurrency": 8, "rate": {"calls": 100000, "period": "1m"}}],
        "router": {"default-tier": "haiku"}}}
      """;

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static HttpCaller one;
  private static HttpCaller other;

  @BeforeAll
  static void start() {
    fleet =
        new FleetProcesses(
            folder, Map.of("SYMBIONT_SIMULATED_SECONDS", "0", "SPRING_APPLICATION_JSON", SETTINGS));
    fleet.start("ledger").awaitOutput("ledger is up");
    fleet.start("router").awaitOutput("router is up");
    fleet.start("dispatcher").awaitOutput("dispatcher is up");
    fleet.start("gateway").awaitOutput("gateway is up");
    int otherPort = FleetProcesses.freePort();
    var _ = startGateway(otherPort);
    one = HttpCaller.to(fleet.port);
    other = HttpCaller.to(otherPort);
    await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> fleet.gateway().hasLedger());
  }

  @AfterAll
  static void stop() throws IOException {
    one.close();
    other.close();
    fleet.close();
  }

  private static SymbiontProcess startGateway(int port) {
    fleet.environment().put("SYMBIONT_PORT", Integer.toString(port));
    SymbiontProcess process = fleet.start("gateway").awaitOutput("gateway is up");
    fleet.environment().put("SYMBIONT_PORT", Integer.toString(fleet.port));
    return process;
  }

  @Test
  void aTaskPostedToOneIsListedAwaitedAndCancelledAtTheOther() {
    JsonNode queued =
        one.post(
                "/queue",
                bytes(
                    "{\"task\": \"[[sim:ok delay=30]] x\", \"force_tier\": \"haiku\", \"labels\": {\"team\": \"red\"}}"),
                PATIENCE)
            .body();
    String id = queued.path("id").asString();

    HttpCaller.Answer list = other.get("/tasks?label=team=red", PATIENCE);
    assertThat(list.body().path("tasks")).extracting(it -> it.path("id").asString()).contains(id);
    await("the call")
        .atMost(PATIENCE)
        .until(
            () -> other.get("/tasks/" + id, PATIENCE).body().path("status").asString(),
            it -> it.equals("running"));
    HttpCaller.Answer cancelled = other.delete("/tasks/" + id, PATIENCE);
    assertThat(cancelled.status()).isEqualTo(202);
    HttpCaller.Answer end = other.get("/tasks/" + id, PATIENCE, "Prefer", "wait=30");
    assertThat(end.body().path("status").asString()).isEqualTo("cancelled");
    assertThat(end.header("Preference-Applied")).isEqualTo("wait=30");
  }

  @Test
  void anAnswerIsSeenComingAtTheOtherGateway() {
    String task = "{\"task\": \"[[sim:ok delay=2]] a b c d e f g\", \"force_tier\": \"haiku\"}";
    String id = one.post("/queue", bytes(task), PATIENCE).body().path("id").asString();

    List<String> events = lines(other.get("/tasks/%s/events".formatted(id), PATIENCE));

    List<JsonNode> pieces =
        IntStream.range(0, events.size())
            .filter(at -> events.get(at).equals("event: text"))
            .mapToObj(
                at -> Codec.mapper().readTree(events.get(at + 1).substring("data: ".length())))
            .toList();
    assertThat(pieces).hasSizeGreaterThan(2);
    assertThat(pieces.getFirst().path("text").asString()).startsWith("(simulated haiku");
    for (int i = 1; i < pieces.size(); i++) {
      assertThat(pieces.get(i).path("at").asInt())
          .isEqualTo(
              pieces.get(i - 1).path("at").asInt()
                  + pieces.get(i - 1).path("text").asString().length());
    }
    assertThat(events.indexOf("event: text")).isLessThan(events.indexOf("event: succeeded"));
  }

  @Test
  void whoseGatewayDiesGetsTheSameTasksResultFromTheOther() throws Exception {
    int port = FleetProcesses.freePort();
    SymbiontProcess dying = startGateway(port);
    byte[] task = bytes("{\"task\": \"[[sim:ok delay=3]] x\", \"force_tier\": \"haiku\"}");
    try (HttpCaller third = HttpCaller.to(port)) {
      CompletableFuture<Void> lost =
          CompletableFuture.runAsync(
              () -> third.post("/task", task, PATIENCE, "Idempotency-Key", "lost"));
      await("the call")
          .atMost(PATIENCE)
          .until(
              () -> one.get("/tasks?state=running", PATIENCE).body().path("count").asInt(),
              it -> it > 0);
      dying.kill();
      assertThat(lost).failsWithin(PATIENCE);
    }

    HttpCaller.Answer again = one.post("/task", task, PATIENCE, "Idempotency-Key", "lost");

    assertThat(again.status()).isEqualTo(200);
    String id = again.body().path("id").asString();
    assertThat(fleet.ledger())
        .filteredOn(it -> it.path("task_id").asString().equals(id))
        .hasSize(1);
  }

  @Test
  void theSameKeyAtTheSameMomentIsOneTask() throws Exception {
    var answers = new ArrayList<CompletableFuture<HttpCaller.Answer>>();
    try (ExecutorService callers = Executors.newFixedThreadPool(32)) {
      for (int i = 0; i < SAME_MOMENT; i++) {
        byte[] task = bytes("{\"task\": \"number %d\", \"force_tier\": \"haiku\"}".formatted(i));
        String key = "moment-" + i;
        for (HttpCaller each : List.of(one, other)) {
          answers.add(
              CompletableFuture.supplyAsync(
                  () -> each.post("/queue", task, PATIENCE, "Idempotency-Key", key), callers));
        }
      }
    }
    List<String> ids = answers.stream().map(it -> it.join().body().path("id").asString()).toList();

    assertThat(IntStream.range(0, SAME_MOMENT))
        .allSatisfy(i -> assertThat(ids.get(2 * i)).isNotEmpty().isEqualTo(ids.get(2 * i + 1)));
    assertThat(ids.stream().distinct()).hasSize(SAME_MOMENT);
    await("all ends")
        .atMost(Duration.ofMinutes(3))
        .until(
            () ->
                Stream.of("queued", "routed", "running")
                    .mapToInt(
                        it -> one.get("/tasks?state=" + it, PATIENCE).body().path("count").asInt())
                    .sum(),
            it -> it == 0);
    // A grant that comes too late on a busy machine is given back, and costs nothing.
    assertThat(fleet.ledger())
        .filteredOn(it -> it.path("prompt_preview").asString().startsWith("number "))
        .filteredOn(it -> it.path("outcome").asString().equals("answered"))
        .hasSize(SAME_MOMENT)
        .extracting(it -> it.path("task_id").asString())
        .doesNotHaveDuplicates();
  }

  @Test
  void anotherTaskUnderTheSameKeyIsRefused() {
    byte[] task = bytes("{\"task\": \"first\", \"force_tier\": \"haiku\"}");
    HttpCaller.Answer first = one.post("/task", task, PATIENCE, "Idempotency-Key", "taken");
    byte[] another = bytes("{\"task\": \"second\", \"force_tier\": \"haiku\"}");

    HttpCaller.Answer second = other.post("/task", another, PATIENCE, "Idempotency-Key", "taken");

    assertThat(first.status()).isEqualTo(200);
    assertThat(second.status()).isEqualTo(422);
    assertThat(second.body().path("detail").asString()).contains("another task already");
    assertThat(second.body().path("id")).isEqualTo(first.body().path("id"));
  }

  @Test
  void aTasksEventsAreFollowedAtOneGatewayAndThenAtTheOther() {
    JsonNode queued =
        one.post(
                "/queue",
                bytes("{\"task\": \"[[sim:ok delay=1]] x\", \"force_tier\": \"haiku\"}"),
                PATIENCE)
            .body();
    String path = "/tasks/%s/events".formatted(queued.path("id").asString());

    List<String> whole = lines(one.get(path, PATIENCE));

    assertThat(whole)
        .filteredOn(it -> it.startsWith("event: ") && !it.equals("event: text"))
        .containsExactly("event: accepted", "event: routed", "event: started", "event: succeeded");
    String second =
        whole.stream().filter(it -> it.startsWith("id: ")).skip(1).findFirst().orElseThrow();
    List<String> rest =
        lines(other.get(path, PATIENCE, "Last-Event-ID", second.substring("id: ".length())));
    assertThat(rest)
        .filteredOn(it -> it.startsWith("event: "))
        .containsExactly("event: started", "event: succeeded");
    assertThat(other.get("/tasks/nobody/events", PATIENCE).status()).isEqualTo(404);
    assertThat(other.get("/events", PATIENCE, "Last-Event-ID", "x").status()).isEqualTo(422);
  }

  private static List<String> lines(HttpCaller.Answer stream) {
    assertThat(stream.header("Content-Type")).startsWith("text/event-stream");
    return new String(stream.response().body(), StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void whoAsksAgainForATaskThatWasSetAsideIsTold() {
    byte[] task =
        bytes("{\"task\": \"[[sim:garbage]] x\", \"id\": \"spoilt\", \"force_tier\": \"haiku\"}");

    HttpCaller.Answer first = one.post("/task", task, PATIENCE);
    HttpCaller.Answer again = other.post("/task", task, PATIENCE);

    assertThat(again.status()).isEqualTo(first.status()).isGreaterThanOrEqualTo(500);
    assertThat(again.body().path("task_status")).isEqualTo(first.body().path("task_status"));
    assertThat(again.header("x-should-retry")).isEqualTo("false");
  }

  @Test
  void whoPrefersNotToWaitIsTold() {
    byte[] task = bytes("{\"task\": \"[[sim:ok delay=2]] x\", \"force_tier\": \"haiku\"}");

    HttpCaller.Answer now = one.post("/task", task, PATIENCE, "Prefer", "respond-async");
    HttpCaller.Answer soon = one.post("/task", task, PATIENCE, "Prefer", "wait=1");
    HttpCaller.Answer end = one.post("/queue", task, PATIENCE, "Prefer", "wait=30");

    for (HttpCaller.Answer each : List.of(now, soon)) {
      assertThat(each.status()).isEqualTo(202);
      assertThat(each.header("Location")).isEqualTo("/tasks/" + each.body().path("id").asString());
    }
    assertThat(now.took()).isLessThan(Duration.ofSeconds(1));
    assertThat(end.status()).isEqualTo(200);
    assertThat(end.body().path("status").asString()).isEqualTo("succeeded");
  }

  @Test
  void eachTaskOfABatchGetsItsVerdict() {
    String batch =
        "{\"atomic\": %s, \"tasks\": [{\"task\": \"a\"}, {\"task\": \"\"}, {\"task\": \"c\", \"force_tier\": \"gpt\"}, {\"task\": \"d\"}]}";

    JsonNode each = one.post("/tasks/batch", bytes(batch.formatted(false)), PATIENCE).body();
    HttpCaller.Answer none = one.post("/tasks/batch", bytes(batch.formatted(true)), PATIENCE);

    assertThat(each.path("accepted").asInt()).isEqualTo(2);
    assertThat(each.path("tasks"))
        .extracting(it -> it.path("status").asString())
        .containsExactly("queued", "rejected", "rejected", "queued");
    assertThat(each.path("tasks").path(2).path("field").asString()).isEqualTo("force_tier");
    assertThat(none.status()).isEqualTo(422);
    assertThat(none.body().path("index").asString()).isEqualTo("1");
    String id = each.path("tasks").path(3).path("id").asString();
    assertThat(
            other
                .get("/tasks/" + id, PATIENCE, "Prefer", "wait=30")
                .body()
                .path("status")
                .asString())
        .isEqualTo("succeeded");
  }

  @Test
  void aRepeatedBatchIsTheSameTasks() {
    byte[] batch = bytes("{\"tasks\": [{\"task\": \"a\"}, {\"task\": \"b\"}]}");

    JsonNode first = one.post("/tasks/batch", batch, PATIENCE, "Idempotency-Key", "batch").body();
    JsonNode second =
        other.post("/tasks/batch", batch, PATIENCE, "Idempotency-Key", "batch").body();

    assertThat(second).isEqualTo(first);
  }

  @Test
  void wrongFiltersAreNamed() {
    for (String wrong :
        List.of(
            "limit=0", "state=done", "since=yesterday", "label=team", "colour=red", "cursor=x")) {
      HttpCaller.Answer answer = one.get("/tasks?" + wrong, PATIENCE);
      assertThat(answer.status()).as(wrong).isEqualTo(422);
      assertThat(answer.body().path("detail").asString())
          .as(wrong)
          .contains(wrong.substring(0, wrong.indexOf('=')));
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
