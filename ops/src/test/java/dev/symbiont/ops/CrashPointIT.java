package dev.symbiont.ops;

import static dev.symbiont.ops.CrashPoint.HAVEN;
import static dev.symbiont.ops.CrashPoint.afterWriting;
import static dev.symbiont.ops.CrashPoint.beforeAcknowledging;
import static dev.symbiont.ops.CrashPoint.beforePublishOf;
import static dev.symbiont.ops.CrashPoint.entering;
import static dev.symbiont.ops.CrashPoint.isWritten;
import static dev.symbiont.ops.CrashPoint.leaving;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.journal.ChainedLog;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Kills a process between each two durable actions, starts it again, and looks at what came of the
/// task.
///
/// The dispatchers' deaths come first and all at once, each at a tier of its own, because a ledger
/// takes ten seconds to give a silent worker up; meanwhile the routers die.
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CrashPointIT {

  private static final String CHEAPEST = "cheapest";
  private static final String ONE_AT_A_TIME = "one-at-a-time";
  private static final String SUBMITTED = "/submitted";
  private static final String ATTEMPT = "dev.symbiont.dispatcher.attempt.Attempt";
  private static final String LOG = "dev.symbiont.ledger.journal.ChainedLog";
  private static final String INDEX = "dev.symbiont.ledger.index.Index";
  private static final String WRITER = "dev.symbiont.ledger.writer.Writer";
  private static final String SUBMISSION = "dev.symbiont.gateway.intake.Submission";
  private static final String ENDS = "dev.symbiont.gateway.intake.Ends";

  private static final List<CrashPoint> ROUTER =
      List.of(
          router("forced-before-publish", id -> beforePublishOf(id + "/routed.1")),
          router("forced-before-ack", id -> beforeAcknowledging(id + SUBMITTED)),
          router("request-before-publish", id -> beforePublishOf(id + "/classify")).classified(),
          router("request-before-ack", id -> beforeAcknowledging(id + SUBMITTED)).classified(),
          router("return-before-publish", id -> beforePublishOf(id + "/routed.1")).classified(),
          router("return-before-ack", id -> beforeAcknowledging(id + "/call.1/ended"))
              .classified());

  /// With a tier that does not exist.
  private static final List<CrashPoint> REFUSED =
      List.of(
          router("refused-before-publish", id -> beforePublishOf(id + SUBMITTED)).at("nowhere"),
          router("refused-before-ack", id -> beforeAcknowledging(id + SUBMITTED)).at("nowhere"));

  /// Each at the tier of its name.
  private static final List<CrashPoint> DISPATCHER =
      List.of(
          dispatcher("before-asking", entering(ATTEMPT, "await", "true")),
          dispatcher("after-grant", entering(ATTEMPT, "call", "true"))
              .withCalls(1, 1, "unknown", "answered"),
          // The CLI has got no prompt yet, and ends without one.
          dispatcher(
                  "after-spawn",
                  entering("dev.symbiont.dispatcher.process.Watchdog", "watch", "true"))
              .withCalls(1, 1, "unknown", "answered"),
          dispatcher(
                  "during-call",
                  entering("dev.symbiont.dispatcher.provider.claude.Transcript", "read", "true"))
              .saying("[[sim:ok delay=2]]")
              .withCalls(2, 1, "unknown", "answered"),
          dispatcher("before-end", beforePublishOf("dispatcher.before-end/call.1/ended"))
              .withCalls(2, 2, "unknown", "answered"),
          dispatcher("before-ack", beforeAcknowledging("dispatcher.before-ack/routed.1")),
          // Three more tries in the process that comes after, and then the next tier.
          dispatcher("before-retry", entering(ATTEMPT, "await", "incrementCounter(\"asked\") == 2"))
              .saying("[[sim:529 model=sonnet]]")
              .withCalls(5, 5, "overloaded", "overloaded", "overloaded", "overloaded", "answered"),
          dispatcher("before-fallback", beforePublishOf("dispatcher.before-fallback/routed.2"))
              .saying("[[sim:429 model=sonnet]]")
              .withCalls(3, 3, "unknown", "limited", "answered"),
          dispatcher("after-fallback", beforeAcknowledging("dispatcher.after-fallback/routed.1"))
              .saying("[[sim:429 model=sonnet]]")
              .withCalls(2, 2, "limited", "answered"),
          dispatcher("classified", beforeAcknowledging("dispatcher.classified/classify"))
              .classified(),
          dispatcher("unclassified", beforePublishOf("dispatcher.unclassified/call.1/ended"))
              .classified()
              .withCalls(3, 3, "unknown", "answered", "answered"));

  private static final List<CrashPoint> LEDGER =
      Stream.of("granted", "ended").flatMap(CrashPointIT::ledger).toList();

  /// Their workers die during the call, and the ledger-writer at the batch that gives it up. Each
  /// at the tier of its name.
  private static final List<CrashPoint> LAPSED =
      ledger("unknown")
          .filter(it -> !it.name().matches(".*(after-force|before-answers)")) // nobody waits for it
          .map(it -> it.at("lapsed-" + it.name().replace("ledger.unknown.", "")))
          .map(it -> it.saying("[[sim:ok delay=3]]").withCalls(2, 1, "unknown", "answered"))
          .toList();

  private static final List<CrashPoint> GATEWAY =
      List.of(
          gateway("before-publish", id -> beforePublishOf(id + "/accepted")),
          gateway("before-response", id -> leaving(SUBMISSION, "accept", isTask(id))),
          gateway(
              "after-end",
              id -> entering(ENDS, "successful", "$1.taskId().equals(\"%s\")".formatted(id))));

  private static final CrashPoint CANCELLATION =
      ledger(
              "cancelled",
              "before-answers",
              id -> id + "/cancelled",
              event -> afterWriting(event, leaving(WRITER, "write", isWritten(event))))
          .at(ONE_AT_A_TIME)
          .withCalls(0, 0);

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static Mortal ledger;
  private static Mortal router;
  private static Mortal gateway;
  private static SymbiontProcess dispatcher;
  private static final Map<CrashPoint, SymbiontProcess> DEAD_DISPATCHERS = new HashMap<>();
  private static final Map<CrashPoint, String> REPLIES = new HashMap<>();

  @BeforeAll
  static void start() throws Exception {
    fleet =
        new FleetProcesses(
            folder,
            tiers(),
            Map.of(
                "SYMBIONT_SIMULATED_TRUTH", folder.resolve("truth.jsonl").toString(),
                "SPRING_APPLICATION_JSON", settings()));
    ledger =
        new Mortal(
            "ledger",
            Stream.of(LEDGER, LAPSED, List.of(CANCELLATION)).flatMap(List::stream).toList());
    router = new Mortal("router", Stream.concat(ROUTER.stream(), REFUSED.stream()).toList());
    gateway = new Mortal("gateway", GATEWAY);
    router.process.awaitOutput("connected to the broker");
    for (CrashPoint point : DISPATCHER) {
      startDispatcherThatDies(point);
    }
    for (SymbiontProcess dying : DEAD_DISPATCHERS.values()) {
      dying.awaitExit();
    }
    List<String> others = tiers().stream().filter(it -> !it.startsWith("lapsed-")).toList();
    dispatcher = fleet.start(List.of(only(others)), "dispatcher").awaitOutput("dispatcher is up");
  }

  /// After an earlier one at the same tier: the work of one must not go to the other.
  private static void startDispatcherThatDies(CrashPoint point) throws InterruptedException {
    for (Map.Entry<CrashPoint, SymbiontProcess> other : DEAD_DISPATCHERS.entrySet()) {
      if (Objects.equals(other.getKey().tier(), point.tier())) {
        other.getValue().awaitExit();
      }
    }
    submit(point);
    String tier = point.tier() == null ? CHEAPEST : point.tier();
    DEAD_DISPATCHERS.put(
        point, fleet.start(List.of(agent(List.of(point)), only(List.of(tier))), "dispatcher"));
  }

  private static String only(List<String> tiers) {
    return "-Dsymbiont.dispatcher.tiers=" + String.join(",", tiers);
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Order(1)
  @ParameterizedTest(name = "{0}")
  @FieldSource("ROUTER")
  void aRouterDies(CrashPoint point) throws Exception {
    submit(point);
    router.diesAt(point);

    assertEnd(point, "succeeded");
    assertResult(point, "succeeded");
  }

  /// The copy that a dead router leaves in the dead letters' queue is the same letter.
  @Order(2)
  @ParameterizedTest(name = "{0}")
  @FieldSource("REFUSED")
  void aRouterDiesWhileItSetsAside(CrashPoint point) throws Exception {
    submit(point);
    router.diesAt(point);

    int copies = REFUSED.indexOf(point) + 1; // the second one dies after its letter is confirmed
    await(copies + " copies")
        .atMost(Duration.ofSeconds(20))
        .until(() -> fleet.broker.depth(Topology.DEAD_LETTERS) == copies);
    await("one letter").atMost(Duration.ofSeconds(20)).until(() -> letters().size() == 1);
    JsonNode letter = letters().get(0);
    assertThat(letter.path("reason").asString()).contains("unknown tier 'nowhere'");
    assertThat(fleet.gateway().delete("/dead-letters/" + letter.path("id").asString()).status())
        .isEqualTo(200);
    awaitEmptyQueues();
    assertThat(letters()).isEmpty();
    assertThat(truth(point)).isEqualTo(new Truth(0, 0));
  }

  @Order(3)
  @ParameterizedTest(name = "{0}")
  @FieldSource("DISPATCHER")
  void aDispatcherDies(CrashPoint point) throws Exception {
    assertKilled(Objects.requireNonNull(DEAD_DISPATCHERS.get(point)));

    assertEnd(point, "succeeded");
    assertResult(point, "succeeded");
  }

  @Order(4)
  @ParameterizedTest(name = "{0}")
  @FieldSource("LEDGER")
  void aLedgerWriterDies(CrashPoint point) throws Exception {
    submit(point);
    ledger.diesAt(point);

    assertEnd(point, "succeeded");
    assertResult(point, "succeeded");
  }

  @Order(5)
  @Test
  void aLedgerWriterDiesWhileItGivesCallsUp() throws Exception {
    for (CrashPoint point : LAPSED) {
      submit(point);
      SymbiontProcess mortal = fleet.start(List.of(only(List.of(point.tier()))), "dispatcher");
      await(point.name()).atMost(Duration.ofSeconds(60)).until(() -> truth(point).begun() == 1);
      mortal.kill();
      ledger.diesAt(point);
    }
    fleet.start(List.of(only(LAPSED.stream().map(CrashPoint::tier).toList())), "dispatcher");

    for (CrashPoint point : LAPSED) {
      assertEnd(point, "succeeded");
      assertResult(point, "succeeded");
    }
  }

  @Order(6)
  @ParameterizedTest(name = "{0}")
  @FieldSource("GATEWAY")
  void aGatewayDiesAndItsCallerComesAgain(CrashPoint point) throws Exception {
    assertThatThrownBy(() -> post(point)).isInstanceOf(IOException.class);
    gateway.diesAt(point);
    HttpResponse<String> second = post(point);

    assertThat(second.statusCode()).isEqualTo(200);
    assertThat(Codec.mapper().readTree(second.body()).path("id").asString())
        .isEqualTo(point.taskId());
    assertEnd(point, "succeeded");
    assertThat(entries(point, "symbiont.accepted.v1")).hasSize(1);
  }

  /// The ledger-writer itself tells the end of a cancelled task.
  @Order(7)
  @Test
  void aLedgerWriterDiesAtACancellation() throws Exception {
    CrashPoint before =
        CrashPoint.of("before.the.cancelled", "").at(ONE_AT_A_TIME).saying("[[sim:ok delay=5]]");
    submit(before);
    awaitEntry(before, "symbiont.granted.v1");
    submit(CANCELLATION);
    awaitEntry(CANCELLATION, "symbiont.routed.v1");
    var cancel = new LedgerQuery.Cancel("cancel", "reply.nobody", CANCELLATION.taskId());
    fleet.broker.publish(
        Topology.FLOW,
        Topology.ASK_LEDGER,
        new AMQP.BasicProperties.Builder().type(Codec.schemaOf(cancel)).deliveryMode(2).build(),
        Codec.encode(cancel));
    ledger.diesAt(CANCELLATION);

    assertEnd(before, "succeeded");
    assertEnd(CANCELLATION, "cancelled");
    assertResult(CANCELLATION, "cancelled");
  }

  @Order(8)
  @Test
  void nobodyHoldsAMessageAnyMore() {
    DISPATCHER.forEach(it -> awaitEntry(it, "symbiont.ended.v1"));
    awaitEmptyQueues();

    // They would give it back.
    gateway.process.close();
    router.process.close();
    dispatcher.close();

    awaitEmptyQueues();
  }

  /// A role whose process dies at each of some points, one after the other, and is started again.
  /// Every new process has the rules of the points that are still to come, each of which waits for
  /// its own task; so nothing is in the way of the task that the dead one was at, and a start is
  /// saved.
  private static final class Mortal {
    private final String role;
    private final List<CrashPoint> ahead;
    private SymbiontProcess process;

    Mortal(String role, List<CrashPoint> points) {
      this.role = role;
      this.ahead = new ArrayList<>(points);
      this.process = start();
    }

    void diesAt(CrashPoint point) throws InterruptedException {
      assertKilled(process);
      ahead.remove(point);
      process = start();
    }

    private SymbiontProcess start() {
      SymbiontProcess started =
          ahead.isEmpty() ? fleet.start(role) : fleet.start(List.of(agent(ahead)), role);
      return started.awaitOutput(role + " is up");
    }
  }

  private static void assertKilled(SymbiontProcess process) throws InterruptedException {
    assertThat(process.awaitExit()).as(process.output()).isEqualTo(CrashPoint.EXIT_CODE);
  }

  /// The task has ended once, and journal, ledger and the CLI itself agree on how it was called.
  private static void assertEnd(CrashPoint point, String state) throws IOException {
    awaitEntry(point, "symbiont.ended.v1");
    awaitEmptyQueues();

    assertThat(entries(point, "symbiont.ended.v1"))
        .as("ends of %s", point)
        .extracting(it -> it.path("body").path("state").asString())
        .containsExactly(state);
    assertThat(fleet.journal())
        .extracting(it -> it.path("event_id").asString())
        .doesNotHaveDuplicates();
    List<String> outcomes =
        fleet.ledger().stream()
            .filter(it -> it.path("task_id").asString().equals(point.taskId()))
            .map(it -> it.path("outcome").asString())
            .toList();
    // A grant that came too late for the tier's rate is given back, and another is asked for.
    assertThat(outcomes.stream().filter(it -> !it.equals("cancelled")).toList())
        .as("calls of %s", point)
        .isEqualTo(point.calls());
    assertThat(entries(point, "symbiont.granted.v1")).hasSameSizeAs(outcomes);
    assertThat(fleet.ledger())
        .extracting(it -> it.path("call_id").asString())
        .doesNotHaveDuplicates();
    assertThat(truth(point))
        .as("what the CLI says of %s", point)
        .isEqualTo(new Truth(point.begun(), point.finished()));
    ChainedLog.verify(folder.resolve("ledger/tasks.jsonl"), _ -> {});
    ChainedLog.verify(folder.resolve("ledger/ledger.jsonl"), _ -> {});
  }

  private static void assertResult(CrashPoint point, String state) {
    byte[] result = fleet.broker.take(Objects.requireNonNull(REPLIES.get(point))).getBody();
    assertThat(Codec.mapper().readTree(result).path("status").asString()).isEqualTo(state);
  }

  private static JsonNode letters() {
    return fleet.gateway().get("/dead-letters").body().path("dead_letters");
  }

  private static void awaitEntry(CrashPoint point, String schema) {
    await(point + ": " + schema)
        .atMost(Duration.ofSeconds(60))
        .until(() -> !entries(point, schema).isEmpty());
  }

  private static void awaitEmptyQueues() {
    await("empty queues")
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(queues())
                    .allSatisfy(queue -> assertThat(fleet.broker.depth(queue)).as(queue).isZero()));
  }

  private static List<JsonNode> entries(CrashPoint point, String schema) {
    return fleet.journal().stream()
        .filter(it -> it.path("schema").asString().equals(schema))
        .filter(it -> it.path("event_id").asString().startsWith(point.taskId() + "/"))
        .toList();
  }

  private record Truth(int begun, int finished) {}

  /// What the CLI itself says of the calls for this task.
  private static Truth truth(CrashPoint point) throws IOException {
    var running = new HashSet<Long>();
    int begun = 0;
    int finished = 0;
    for (JsonNode event : JsonLines.read(folder.resolve("truth.jsonl"))) {
      long pid = event.path("pid").asLong();
      if (event.path("event").asString().equals("begin")) {
        running.remove(pid);
        if (event.path("prompt").asString().contains(point.mark())) {
          running.add(pid);
          begun++;
        }
      } else if (running.remove(pid)) {
        finished++;
      }
    }
    return new Truth(begun, finished);
  }

  private static void submit(CrashPoint point) {
    String replies = fleet.broker.replyQueue();
    REPLIES.put(point, replies);
    fleet.broker.publish(
        Topology.TASKS,
        "normal",
        new AMQP.BasicProperties.Builder()
            .messageId(point.taskId() + SUBMITTED)
            .replyTo(replies)
            .deliveryMode(2)
            .build(),
        Codec.mapper().writeValueAsBytes(task(point).put("id", point.taskId())));
  }

  private static HttpResponse<String> post(CrashPoint point)
      throws IOException, InterruptedException {
    try (var client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create(fleet.gateway().address() + "/task"))
              .header("Idempotency-Key", point.name())
              .timeout(Duration.ofSeconds(30))
              .POST(HttpRequest.BodyPublishers.ofString(task(point).toString()))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  private static ObjectNode task(CrashPoint point) {
    ObjectNode task = Codec.mapper().createObjectNode().put("task", point.fullPrompt());
    return point.tier() == null ? task : task.put("force_tier", point.tier());
  }

  private static CrashPoint router(String place, UnaryOperator<String> rules) {
    String name = "router." + place;
    return CrashPoint.of(name, rules.apply(name));
  }

  private static CrashPoint dispatcher(String place, String rules) {
    return CrashPoint.of("dispatcher." + place, rules).at(place);
  }

  private static CrashPoint gateway(String place, UnaryOperator<String> rules) {
    String name = "gateway." + place;
    String id = Ids.ofKey("task", "http", name);
    return CrashPoint.of(name, rules.apply(id)).named(id);
  }

  private static String isTask(String id) {
    return "$1.id().equals(\"%s\")".formatted(id);
  }

  /// The places at which a ledger-writer can die with an event of a task's first call.
  private static Stream<CrashPoint> ledger(String what) {
    return Stream.of(
        ledger(what, "before-write", CrashPoint::beforeWriting),
        ledger(
            what,
            "before-force",
            event -> afterWriting(event, entering(LOG, "force", isWritten(event)))),
        ledger(
            what,
            "after-force",
            event -> afterWriting(event, leaving(LOG, "force", isWritten(event)))),
        ledger(
            what,
            "before-index",
            event -> afterWriting(event, entering(INDEX, "commit", isWritten(event)))),
        ledger(
            what,
            "before-answers",
            event -> afterWriting(event, leaving(WRITER, "write", isWritten(event)))),
        ledger(what, "before-ack", CrashPoint::beforeAcknowledgingBatch));
  }

  private static CrashPoint ledger(String what, String place, UnaryOperator<String> rules) {
    return ledger(what, place, id -> "%s/call.1/%s".formatted(id, what), rules);
  }

  private static CrashPoint ledger(
      String what, String place, UnaryOperator<String> event, UnaryOperator<String> rules) {
    String name = "ledger.%s.%s".formatted(what, place);
    return CrashPoint.of(name, rules.apply(event.apply(name)));
  }

  private static List<String> tiers() {
    return Stream.of(
            Stream.of(CHEAPEST),
            DISPATCHER.stream().flatMap(it -> Stream.ofNullable(it.tier())),
            LAPSED.stream().map(CrashPoint::tier),
            Stream.of(ONE_AT_A_TIME, HAVEN))
        .flatMap(it -> it)
        .toList();
  }

  private static List<String> queues() {
    return Topology.of(tiers()).queues().stream().map(Topology.Queue::name).toList();
  }

  /// A tier of its own for each dispatcher that dies, and a model that no other tier has.
  private static String settings() {
    ObjectNode settings = Codec.mapper().createObjectNode();
    ObjectNode symbiont = settings.putObject("symbiont");
    symbiont.putObject("router").put("default-tier", HAVEN);
    symbiont.putObject("dispatcher").put("first-wait", "50ms");
    var all = symbiont.putArray("tiers");
    for (String name : tiers()) {
      boolean deadly = DISPATCHER.stream().anyMatch(it -> name.equals(it.tier()));
      ObjectNode tier = all.addObject().put("name", name).put("model", deadly ? "sonnet" : "haiku");
      tier.put("concurrency", name.equals(ONE_AT_A_TIME) ? 1 : 2).put("timeout", "30s");
      tier.put("typical-cost-usd", "0.01");
      if (deadly) {
        tier.putArray("fallback").add(HAVEN);
      }
    }
    return settings.toString();
  }

  private static String agent(List<CrashPoint> points) {
    return Byteman.agent(
        folder, points.stream().map(CrashPoint::rules).collect(Collectors.joining()));
  }
}
