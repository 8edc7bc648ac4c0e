package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.testing.TestBroker;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What a fleet of processes makes of a broker that is not there yet, dies, takes nothing more, or
/// gives a message up. On a node of its own, whatever broker the test run has, for it is harmed.
class BrokerOutageIT {

  /// From the broker's answering to all consuming.
  private static final Duration RECOVERY = Duration.ofSeconds(10);

  /// The gateway's own patience with the broker is five seconds.
  private static final Duration REQUEST_DEADLINE = Duration.ofSeconds(7);

  private static final Duration LONG = Duration.ofSeconds(60);
  private static final int DELIVERY_LIMIT = 100;
  private static final List<String> ALL = List.of("ledger", "router", "dispatcher", "gateway");
  private static final String TIER_QUEUE = Topology.tier("haiku", Priority.NORMAL);

  @TempDir private static Path nodeFolder;
  private static OwnNode node;
  private static URI address;

  @TempDir private Path folder;
  private TruthFile truth;
  private FleetProcesses fleet;
  private HttpCaller caller;

  @BeforeAll
  static void startNode() throws IOException {
    node = OwnNode.in(nodeFolder);
    address = node.start();
  }

  @AfterAll
  static void stopNode() {
    node.close();
  }

  @BeforeEach
  void prepare() {
    truth = new TruthFile(folder.resolve("truth.jsonl"));
    fleet =
        new FleetProcesses(
            TestBroker.at(address),
            folder,
            Map.of("SYMBIONT_SIMULATED_TRUTH", truth.path().toString()));
    caller = HttpCaller.to(fleet.port);
  }

  @AfterEach
  void stop() throws IOException {
    caller.close();
    try {
      // A test that failed may have left it dead, and the fleet ends better on a broker that
      // answers.
      node.start();
      await("the test's own connection").atMost(LONG).until(this::isConnected);
    } finally {
      fleet.close();
    }
  }

  @Test
  void rolesThatWereThereBeforeTheBrokerServeItSoon() {
    callsAtATime(4);
    node.kill();
    List<SymbiontProcess> roles = startAll(ALL, "--wait");
    HttpCaller.Answer early = queue("too early");

    assertThat(node.start()).isEqualTo(address);
    HttpCaller.Answer answer = succeedsSoon();

    assertUnavailable(early);
    assertThat(answer.body().path("tier").asString()).isEqualTo("haiku");
    assertAllAlive(roles);
  }

  @Test
  void aBrokerThatDiesDuringCallsCostsNoCall() {
    callsAtATime(20);
    List<SymbiontProcess> roles = startAll();
    var ids = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      ids.add(accepted(queue("[[sim:ok delay=22]] long " + i)));
    }
    await("the calls").atMost(LONG).until(() -> truth.begun().size() == 8);

    node.kill();
    assertThat(node.start()).isEqualTo(address);
    HttpCaller.Answer fresh = succeedsSoon();

    assertThat(truth.ended()).as("the outage was shorter than the calls").hasSize(1);
    await("every end")
        .atMost(LONG)
        .untilAsserted(() -> assertThat(endsOf("succeeded")).containsAll(ids));
    ids.add(fresh.body().path("id").asString());
    await("the ledger").untilAsserted(() -> assertThat(fleet.ledger()).hasSizeGreaterThan(8));
    assertThat(fleet.ledger())
        .extracting(it -> it.path("task_id").asString())
        .containsExactlyInAnyOrderElementsOf(ids);
    assertThat(fleet.ledger())
        .extracting(it -> it.path("call_id").asString())
        .doesNotHaveDuplicates();
    assertThat(fleet.ledger())
        .extracting(it -> it.path("outcome").asString())
        .containsOnly("answered");
    assertThat(truth.begun())
        .filteredOn(it -> it.path("prompt").asString().contains("long"))
        .hasSize(8);
    assertThat(truth.begun()).hasSize(9);
    assertAllAlive(roles);
  }

  /// The broker delivers the messages of running calls again, to the worker that makes them: the
  /// copies must not take the place of work that can be done.
  @Test
  void connectionsThatAreCutDuringCallsHoldNobodyUp() {
    callsAtATime(4);
    List<SymbiontProcess> roles = startAll();
    var ids =
        List.of(
            accepted(queue("[[sim:ok delay=15]] one")), accepted(queue("[[sim:ok delay=15]] two")));
    await("the calls").atMost(LONG).until(() -> truth.begun().size() == 2);

    node.control("close_all_connections", "test");
    succeedsSoon();

    await("every end")
        .atMost(LONG)
        .untilAsserted(() -> assertThat(endsOf("succeeded")).containsAll(ids));
    assertThat(truth.begun()).hasSize(3);
    assertAllAlive(roles);
  }

  /// During an alarm a worker can be given messages, and can end calls, but nothing that it says is
  /// taken: so calls end and none begins.
  @Test
  void anAlarmIsSaidAtOnceAndNothingIsLostByIt() {
    callsAtATime(2);
    List<SymbiontProcess> roles = startAll();
    var ids = new ArrayList<String>();
    for (int i = 0; i < 8; i++) {
      ids.add(accepted(queue("[[sim:ok delay=5]] number " + i)));
    }
    await("the first calls").atMost(LONG).until(() -> truth.begun().size() == 2);
    await("two slots' worth of work and of spare")
        .until(() -> fleet.broker.depth(TIER_QUEUE) == 8 - 2 * 2);

    node.control("set_vm_memory_high_watermark", "0");
    try {
      HttpCaller.Answer refused = postUntilRefused(ids);
      HttpCaller.Answer refusedAgain = queue("refused again");
      await("the end of what was running")
          .atMost(Duration.ofSeconds(20))
          .until(() -> truth.ended().size() >= 2);
      fleet.start("dispatcher").awaitOutput("dispatcher is up");
      await("deliveries to the new dispatcher")
          .atMost(RECOVERY)
          .until(() -> fleet.broker.depth(TIER_QUEUE) == 0);

      assertUnavailable(refused);
      assertUnavailable(refusedAgain);
      assertThat(endsOf("succeeded")).as("ends that were told of").hasSizeLessThan(ids.size());
    } finally {
      node.control("set_vm_memory_high_watermark", "0.6");
    }

    ids.add(succeedsSoon().body().path("id").asString());
    await("every end")
        .atMost(LONG)
        .untilAsserted(() -> assertThat(endsOf("succeeded")).containsAll(ids));
    await("one call each")
        .untilAsserted(
            () ->
                assertThat(fleet.ledger())
                    .extracting(it -> it.path("call_id").asString())
                    .doesNotHaveDuplicates()
                    .hasSizeGreaterThanOrEqualTo(ids.size()));
    // A grant that was held up by the alarm comes too late: that call was never made.
    assertThat(fleet.ledger())
        .extracting(it -> it.path("outcome").asString())
        .isSubsetOf("answered", "cancelled");
    assertThat(fleet.ledger())
        .filteredOn(it -> it.path("outcome").asString().equals("answered"))
        .hasSameSizeAs(truth.begun());
    assertAllAlive(roles);
  }

  /// The broker counts a prefetched message as delivered each time that its worker dies, whether or
  /// not a call for it ever began.
  @Test
  void aWorkerThatDiesTwentyFiveTimesSetsNothingAside() throws Exception {
    int restarts = 25;
    int tasks = 10;
    int prefetched = 8;
    callsAtATime(prefetched / 2);
    startAll(List.of("ledger", "router"));
    List<String> ids = IntStream.range(0, tasks).mapToObj(i -> "t-" + i).toList();
    for (String id : ids) {
      publish(id, "[[sim:ok delay=1.5]] " + id);
    }
    for (int i = 0; i < restarts; i++) {
      awaitDepth(tasks);
      SymbiontProcess dispatcher = fleet.start("dispatcher");
      awaitDepth(tasks - prefetched);
      dispatcher.kill();
    }
    awaitDepth(tasks);
    assertThat(deliveriesOfTheFirst()).isGreaterThanOrEqualTo(restarts);
    Set<String> everBegun =
        truth.begun().stream().map(it -> it.path("prompt").asString()).collect(Collectors.toSet());
    assertThat(everBegun).as("the rest of them was only held").hasSizeLessThan(prefetched);

    fleet.start("dispatcher");

    await("every end")
        .atMost(LONG)
        .untilAsserted(
            () -> assertThat(endsOf("succeeded")).containsExactlyInAnyOrderElementsOf(ids));
    assertThat(fleet.broker.depth(Topology.DEAD_LETTERS)).isZero();
    assertThat(setAside()).isEmpty();
    assertThat(fleet.ledger())
        .filteredOn(it -> it.path("outcome").asString().equals("answered"))
        .hasSize(tasks);
  }

  @Test
  void aMessageThatTheBrokerGivesUpIsShownAsSetAside() throws Exception {
    callsAtATime(2);
    startAll(List.of("ledger", "router", "gateway"));
    String id = accepted(queue("nobody can handle this"));
    awaitDepth(1);

    for (int i = 0; i <= DELIVERY_LIMIT; i++) {
      // Rejected, for a message that comes back by a negative acknowledgement is not counted by 4.3
      fleet.broker.channel().basicReject(next(TIER_QUEUE).getEnvelope().getDeliveryTag(), true);
    }

    await("the journal").atMost(RECOVERY).untilAsserted(() -> assertThat(setAside()).hasSize(1));
    JsonNode entry = setAside().getFirst().path("body");
    assertThat(entry.path("task_id").asString()).isEqualTo(id);
    assertThat(entry.path("queue").asString()).isEqualTo(TIER_QUEUE);
    assertThat(entry.path("reason").asString()).contains("delivery_limit");
    await("GET /tasks/{id}")
        .atMost(RECOVERY)
        .untilAsserted(
            () ->
                assertThat(
                        caller
                            .get("/tasks/" + id, REQUEST_DEADLINE)
                            .body()
                            .path("status")
                            .asString())
                    .isEqualTo("set_aside"));
    assertThat(fleet.broker.depth(TIER_QUEUE)).isZero();
    assertThat(fleet.broker.depth(Topology.DEAD_LETTERS)).isOne();
    assertThat(truth.begun()).isEmpty();
  }

  private void callsAtATime(int concurrency) {
    // So many calls that only the broker's own limit could set anything aside.
    String settings =
        """
        {"symbiont": {
          "ledger": {"max-calls-per-step": 1000},
          "router": {"default-tier": "haiku"},
          "tiers": [{
            "name": "haiku", "model": "haiku", "concurrency": %d, "timeout": "2m",
            "typical-cost-usd": 0.01, "rate": {"calls": 6000, "period": "1m"}}]}}
        """
            .formatted(concurrency);
    fleet.environment().put("SPRING_APPLICATION_JSON", settings);
  }

  private List<SymbiontProcess> startAll() {
    return startAll(ALL);
  }

  /// All at once, for each takes seconds to start. Returns when they have declared their queues.
  private List<SymbiontProcess> startAll(List<String> names) {
    List<SymbiontProcess> roles = startAll(names, new String[0]);
    roles.forEach(it -> it.awaitOutput("connected to the broker"));
    return roles;
  }

  private List<SymbiontProcess> startAll(List<String> names, String... options) {
    List<SymbiontProcess> roles = names.stream().map(it -> fleet.start(it, options)).toList();
    for (int i = 0; i < roles.size(); i++) {
      roles.get(i).awaitOutput(names.get(i) + " is up");
    }
    return roles;
  }

  private HttpCaller.Answer queue(String prompt) {
    return caller.post("/queue", body(prompt), REQUEST_DEADLINE);
  }

  private static byte[] body(String prompt) {
    var task = Codec.mapper().createObjectNode().put("task", prompt).put("force_tier", "haiku");
    return Codec.mapper().writeValueAsBytes(task);
  }

  private static String accepted(HttpCaller.Answer answer) {
    assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
    return answer.body().path("id").asString();
  }

  /// Takes part as a caller who is told to come back does.
  private HttpCaller.Answer succeedsSoon() {
    return await("a new task")
        .atMost(RECOVERY)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> caller.post("/task", body("Say hello"), RECOVERY), it -> it.status() == 200);
  }

  /// The broker blocks a connection at the first message that comes through it during the alarm,
  /// which it may still take.
  private HttpCaller.Answer postUntilRefused(List<String> acceptedIds) {
    return await("a refusal")
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              HttpCaller.Answer answer = queue("during the alarm");
              if (answer.status() == 200) {
                acceptedIds.add(accepted(answer));
              }
              return answer;
            },
            it -> it.status() != 200);
  }

  private static void assertUnavailable(HttpCaller.Answer answer) {
    assertThat(answer.status()).as(answer.body().toString()).isEqualTo(503);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    assertThat(answer.header("Retry-After")).matches("[1-9]\\d*");
    assertThat(answer.body().path("detail").asString()).isNotBlank();
    assertThat(answer.took()).isLessThan(REQUEST_DEADLINE);
  }

  private static void assertAllAlive(List<SymbiontProcess> roles) {
    assertThat(roles).allMatch(it -> it.handle().isAlive());
  }

  private void publish(String id, String prompt) {
    var properties = new AMQP.BasicProperties.Builder().deliveryMode(2).build();
    var task = Codec.mapper().createObjectNode().put("id", id).put("task", prompt);
    String body = task.put("force_tier", "haiku").toString();
    fleet.broker.publish(
        Topology.TASKS, "normal", properties, body.getBytes(StandardCharsets.UTF_8));
  }

  private void awaitDepth(long messages) {
    await("%d messages ready".formatted(messages))
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> fleet.broker.depth(TIER_QUEUE) == messages);
  }

  /// How often the broker believes the message at the head to have been tried.
  private long deliveriesOfTheFirst() throws IOException {
    GetResponse first = next(TIER_QUEUE);
    fleet.broker.channel().basicReject(first.getEnvelope().getDeliveryTag(), true);
    Map<String, Object> headers = first.getProps().getHeaders();
    return headers == null ? 0 : ((Number) headers.getOrDefault("x-delivery-count", 0)).longValue();
  }

  private GetResponse next(String queue) {
    return await("a message in " + queue)
        .atMost(RECOVERY)
        .pollInterval(Duration.ofMillis(5))
        .until(() -> Stream.ofNullable(get(queue)).toList(), it -> !it.isEmpty())
        .getFirst();
  }

  private GetResponse get(String queue) throws IOException {
    return fleet.broker.channel().basicGet(queue, false);
  }

  private boolean isConnected() {
    try {
      fleet.broker.channel().exchangeDeclarePassive("amq.topic");
      return true;
    } catch (IOException | AlreadyClosedException e) {
      return false;
    }
  }

  private Set<String> endsOf(String state) {
    return fleet.journal().stream()
        .filter(it -> it.path("schema").asString().equals("symbiont.ended.v1"))
        .filter(it -> it.path("body").path("state").asString().equals(state))
        .map(it -> it.path("body").path("task_id").asString())
        .collect(Collectors.toSet());
  }

  private List<JsonNode> setAside() {
    return fleet.journal().stream()
        .filter(it -> it.path("schema").asString().equals("symbiont.set-aside.v1"))
        .toList();
  }
}
