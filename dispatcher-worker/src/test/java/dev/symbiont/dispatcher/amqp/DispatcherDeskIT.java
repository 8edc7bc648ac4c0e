package dev.symbiont.dispatcher.amqp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TierState.Phase;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.FakeLedger;
import dev.symbiont.dispatcher.FakeProvider;
import dev.symbiont.dispatcher.attempt.Attempt;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Parcel;
import dev.symbiont.hop.Publisher;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The desk of one tier, on a real broker, with a ledger and a provider that do as they are told.
@WithBroker
class DispatcherDeskIT {

  private static final Duration SOON = Duration.ofSeconds(15);
  private static final List<String> QUEUES =
      Arrays.stream(Priority.values()).map(it -> Topology.tier("haiku", it)).toList();

  private final FakeLedger ledger = new FakeLedger();
  private final FakeProvider provider = new FakeProvider();

  @TempDir Path folder;
  private TestBroker rabbit;
  private Broker broker;
  private Publisher publisher;
  private Attempt.Surroundings around;
  private LedgerClient client;
  private DispatcherDesk desk;

  @BeforeEach
  void connect(TestBroker testBroker) {
    rabbit = testBroker;
    broker = new Broker(rabbit.address(), "dispatcher-1", Topology.of(TestBroker.TIERS));
    broker.start();
    await().atMost(SOON).until(() -> broker.depths(QUEUES).size() == QUEUES.size());
    publisher = new Publisher(broker);
    var hop = new Hop(publisher);
    around = Examples.around(folder, InstantSource.system(), 1);
    client =
        new LedgerClient(
            broker,
            hop,
            "worker-1",
            new FromLedger(
                around.board(),
                around.running(),
                Examples.threeTiers(),
                hop,
                InstantSource.system()));
    desk = desk("haiku", hop);
  }

  private DispatcherDesk desk(String tier, Hop hop) {
    Tiers tiers = Examples.threeTiers();
    return new DispatcherDesk(
        new Attempt(tiers.require(tier, "test"), tiers, provider, ledger, around),
        tiers,
        around.board(),
        around.running(),
        broker,
        hop,
        Duration.ofMillis(200));
  }

  @AfterEach
  void disconnect() {
    desk.close();
    client.close();
    publisher.close();
    broker.close();
  }

  @Test
  void everyTaskEndsOnceAndNoneIsLeft() throws IOException {
    String ends = queueBoundTo("task.succeeded");
    for (int i = 1; i <= 10; i++) {
      for (Priority priority : Priority.values()) {
        publish(task("task-%s-%d".formatted(priority.wire(), i), priority));
      }
    }

    desk.start();

    await().atMost(SOON).until(() -> rabbit.depth(ends) == 30);
    await().atMost(SOON).until(() -> ledger.requests().size() == 30);
    desk.close();
    assertThat(broker.depths(QUEUES).values()).containsOnly(0L);
    assertThat(IntStream.range(0, 30).mapToObj(_ -> ended(rabbit.take(ends)).taskId()))
        .doesNotHaveDuplicates();
    assertThat(rabbit.depth(ends)).isZero();
    assertThat(provider.calls()).hasSize(30);
  }

  @Test
  void ofWhatWaitsTheMostUrgentIsWorkedOnFirst() {
    CountDownLatch release = blockFirstCall();
    desk.start();
    publish(task("first", Priority.NORMAL));
    await().atMost(SOON).until(() -> provider.calls().size() == 1);
    publish(task("low", Priority.LOW));
    await().atMost(SOON).until(this::everythingIsHeld);
    publish(task("high", Priority.HIGH));
    await().atMost(SOON).until(this::everythingIsHeld);

    release.countDown();

    await().atMost(SOON).until(() -> provider.calls().size() == 3);
    assertThat(provider.calls())
        .extracting(Call::prompt)
        .containsExactly("prompt of first", "prompt of high", "prompt of low");
  }

  @Test
  void noOtherWorkIsDoneWhileUrgentWorkWaits() {
    CountDownLatch release = blockFirstCall();
    desk.start();
    publish(task("first", Priority.NORMAL));
    await().atMost(SOON).until(() -> provider.calls().size() == 1);
    for (int i = 1; i <= 5; i++) {
      publish(task("low-" + i, Priority.LOW));
      publish(task("high-" + i, Priority.HIGH));
      // An acknowledgement takes a moment, and so does a call.
      takeAMoment();
      takeAMoment();
    }
    await()
        .atMost(SOON)
        .until(() -> broker.depths(QUEUES).values().stream().noneMatch(it -> it == 5));

    release.countDown();

    await().atMost(SOON).until(() -> provider.calls().size() == 11);
    assertThat(provider.calls().subList(1, 6))
        .extracting(Call::prompt)
        .allMatch(prompt -> prompt.contains("high"));
  }

  @Test
  void anEndReachesTheLedgerTheWaitingGatewayAndTheProducer() throws IOException {
    String ends = queueBoundTo("task.#");
    String gateway = queueBoundTo(Topology.replyKey("gateway-1"));
    String producer = rabbit.replyQueue();
    var reply = new Reply(Topology.replyKey("gateway-1"), producer, "correlation-7");
    var accepted =
        new AcceptedTask(
            Examples.task("task-1", "hello", Priority.NORMAL), Examples.ACCEPTED, reply, false);
    publish(Examples.routed(accepted, "haiku"));
    var _ = rabbit.take(ends); // our own task.routed

    desk.start();

    GetResponse atLedger = rabbit.take(ends);
    assertThat(atLedger.getEnvelope().getRoutingKey()).isEqualTo("task.succeeded");
    assertThat(atLedger.getProps().getMessageId()).isEqualTo("task-1/haiku.1.1/ended");
    TaskEnded end = ended(atLedger);
    assertThat(end.state()).isEqualTo(TaskState.SUCCEEDED);
    assertThat(ended(rabbit.take(gateway))).isEqualTo(end);
    GetResponse atProducer = rabbit.take(producer);
    assertThat(atProducer.getProps().getType()).isEqualTo("symbiont.result.v1");
    assertThat(atProducer.getProps().getCorrelationId()).isEqualTo("correlation-7");
    assertThat(Codec.read(atProducer.getBody(), Result.class)).isEqualTo(end.result());
  }

  @Test
  void aProducerThatHasGoneHoldsNothingUp() throws IOException {
    String ends = queueBoundTo("task.succeeded");
    var reply = new Reply(null, "amq.gen-gone", null);
    var accepted =
        new AcceptedTask(
            Examples.task("task-1", "hello", Priority.NORMAL), Examples.ACCEPTED, reply, false);
    publish(Examples.routed(accepted, "haiku"));

    desk.start();

    assertThat(ended(rabbit.take(ends)).taskId()).isEqualTo("task-1");
    desk.close();
    assertThat(broker.depths(QUEUES).values()).containsOnly(0L);
  }

  @Test
  void aTaskThatFallsBackIsInTheNextTiersQueue() {
    provider.thenEnds(new Outcome.Limited(null, "unknown", "not now"));
    publish(task("task-1", Priority.HIGH));

    desk.start();

    GetResponse onward = rabbit.take(Topology.tier("sonnet", Priority.HIGH));
    assertThat(onward.getProps().getMessageId()).isEqualTo("task-1/routed.2");
    RoutedTask routed = Codec.read(onward.getBody(), RoutedTask.class);
    assertThat(routed.tier()).isEqualTo("sonnet");
    assertThat(routed.endedCall()).isNotNull();
  }

  @Test
  void aTaskForWhichNoTierIsOpenIsParked() {
    Instant until = Instant.now().plusSeconds(600);
    for (String tier : TestBroker.TIERS) {
      around.board().put(state(tier, Phase.LIMITED, until));
    }
    ledger.answerNext(it -> new GrantAnswer.Closed(it.requestId(), "limit", until, Spent.NOTHING));
    publish(task("task-1", Priority.NORMAL));

    desk.start();

    GetResponse parked = rabbit.take(Topology.parked("haiku"));
    assertThat(parked.getProps().getMessageId()).isEqualTo("task-1/routed.1.1");
    RoutedTask waiting = Codec.read(parked.getBody(), RoutedTask.class);
    assertThat(waiting.waitsUntil()).isEqualTo(until);
    assertThat(provider.calls()).isEmpty();
  }

  @Test
  void aClassificationForWhichTheTierIsClosedGoesBackToTheRouters() {
    AcceptedTask accepted = task("task-1", Priority.NORMAL).accepted();
    var schema = Codec.mapper().createObjectNode();
    ledger.answerNext(it -> new GrantAnswer.Closed(it.requestId(), "limit", null, Spent.NOTHING));
    publish(
        Topology.classifyKey("haiku", Priority.NORMAL),
        new Classification(accepted, "haiku", "which tier?", "decide", schema, null));

    desk.start();

    GetResponse back = rabbit.take(Topology.CLASSIFIED);
    assertThat(back.getProps().getMessageId()).isEqualTo("task-1/declined");
    assertThat(Codec.read(back.getBody(), Classification.class).declined()).contains("limit");
  }

  @Test
  void whileNoTierIsOpenTasksAreLeftInTheirQueue() {
    String queue = Topology.tier("opus", Priority.NORMAL);
    try (DispatcherDesk atOpus = desk("opus", new Hop(publisher))) {
      atOpus.start();
      for (String tier : TestBroker.TIERS) {
        tell(state(tier, Phase.LIMITED, null));
      }
      await()
          .atMost(SOON)
          .until(() -> TestBroker.TIERS.stream().noneMatch(around.board()::maybeOpen));

      publish(
          Topology.routedKey("opus", Priority.NORMAL),
          Examples.routed(Examples.task("task-1", "hi", Priority.NORMAL), "opus"));
      await().atMost(SOON).until(() -> rabbit.depth(queue) == 1);
      assertThat(ledger.requests()).isEmpty();
      tell(state("opus", Phase.OPEN, null));

      await().atMost(SOON).until(() -> provider.calls().size() == 1);
    }
  }

  @Test
  void aCallThatNobodyWantsIsEnded() {
    provider.thenHangs();
    publish(task("task-1", Priority.NORMAL));
    desk.start();
    await().atMost(SOON).until(() -> around.running().ids().size() == 1);

    var stop = new StopCall(around.running().ids().getFirst());
    Parcel parcel = Parcel.answer(stop, client.replyKey());
    rabbit.publish(parcel.exchange(), parcel.key(), parcel.properties(), parcel.body());

    await().atMost(SOON).until(() -> ledger.recorded().size() == 1);
    await()
        .atMost(SOON)
        .untilAsserted(() -> assertThat(broker.depths(QUEUES).values()).containsOnly(0L));
  }

  private void tell(TierState state) {
    Parcel parcel = Parcel.tier(Topology.changedKey(state), state);
    rabbit.publish(parcel.exchange(), parcel.key(), parcel.properties(), parcel.body());
  }

  private static TierState state(String tier, Phase phase, @Nullable Instant until) {
    return new TierState(tier, phase, Examples.ACCEPTED, until, "an example", null);
  }

  @Test
  void aClassificationGoesBackWithItsTask() {
    AcceptedTask accepted = task("task-1", Priority.NORMAL).accepted();
    var schema = Codec.mapper().createObjectNode();
    publish(
        Topology.classifyKey("haiku", Priority.NORMAL),
        new Classification(accepted, "haiku", "which tier?", "decide", schema, null));

    desk.start();

    CallEnded call = Codec.read(rabbit.take(Topology.CLASSIFIED).getBody(), CallEnded.class);
    assertThat(call.accepted()).isEqualTo(accepted);
    assertThat(call.succeeded()).isTrue();
  }

  @Test
  void aTaskWhoseCallIsCutShortByAStopGoesBackToItsQueue() {
    provider.thenHangs();
    publish(task("task-1", Priority.NORMAL));
    desk.start();
    await().atMost(SOON).until(() -> provider.calls().size() == 1);

    desk.close();

    GetResponse again = rabbit.take(Topology.tier("haiku", Priority.NORMAL));
    assertThat(again.getEnvelope().isRedeliver()).isTrue();
    assertThat(Codec.read(again.getBody(), RoutedTask.class).taskId()).isEqualTo("task-1");
    assertThat(ledger.recorded())
        .singleElement()
        .extracting(CallEnded::outcome)
        .isInstanceOf(Outcome.Cancelled.class);
  }

  @Test
  void aCallMayEndByItselfWithinTheGraceOfAStop() throws IOException {
    String ends = queueBoundTo("task.succeeded");
    CountDownLatch release = blockFirstCall();
    publish(task("task-1", Priority.NORMAL));
    desk.start();
    await().atMost(SOON).until(() -> provider.calls().size() == 1);
    Thread closing = Thread.ofPlatform().start(desk::close);

    release.countDown();

    assertThat(ended(rabbit.take(ends)).taskId()).isEqualTo("task-1");
    await().atMost(SOON).until(() -> !closing.isAlive());
    assertThat(ledger.recorded()).isEmpty();
    assertThat(broker.depths(QUEUES).values()).containsOnly(0L);
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          symbiont.routed.v1, not JSON
          symbiont.routed.v2, {}
          symbiont.task.v1,   '{"task":"hello"}'
          """)
  void whatIsNoWorkIsSetAsideWithItsReasonAsItCame(String type, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    var properties = new AMQP.BasicProperties.Builder().type(type).messageId("odd-1").build();
    rabbit.publish(Topology.FLOW, Topology.routedKey("haiku", Priority.NORMAL), properties, bytes);

    desk.start();

    GetResponse aside = rabbit.take(Topology.DEAD_LETTERS);
    assertThat(aside.getBody()).isEqualTo(bytes);
    assertThat(aside.getProps().getMessageId()).isEqualTo("odd-1");
    assertThat(aside.getProps().getHeaders())
        .containsKey(Topology.REASON_HEADER)
        .extractingByKey(Topology.SOURCE_HEADER)
        .hasToString(Topology.tier("haiku", Priority.NORMAL));
    assertThat(provider.calls()).isEmpty();
  }

  @Test
  void aTaskWithoutItsPartsIsSetAsideAndTheNextOneIsWorkedOn() {
    var properties = new AMQP.BasicProperties.Builder().type("symbiont.routed.v1").build();
    byte[] body = "{\"tier\":\"haiku\"}".getBytes(StandardCharsets.UTF_8);
    rabbit.publish(Topology.FLOW, Topology.routedKey("haiku", Priority.HIGH), properties, body);
    desk.start();

    GetResponse aside = rabbit.take(Topology.DEAD_LETTERS);
    publish(task("task-1", Priority.NORMAL));

    assertThat(aside.getBody()).isEqualTo(body);
    await().atMost(SOON).until(() -> provider.calls().size() == 1);
  }

  @Test
  void workForAnotherTierIsSetAside() {
    RoutedTask astray = Examples.routed(task("task-1", Priority.LOW).accepted(), "opus");
    publish(Topology.routedKey("haiku", Priority.LOW), astray);

    desk.start();

    GetResponse aside = rabbit.take(Topology.DEAD_LETTERS);
    assertThat(aside.getProps().getHeaders())
        .extractingByKey(Topology.REASON_HEADER)
        .asString()
        .contains("opus", "haiku");
  }

  private CountDownLatch blockFirstCall() {
    var release = new CountDownLatch(1);
    provider.thenDoes(
        _ -> {
          try {
            release.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return FakeProvider.ending(new Outcome.Answered("x", null, false), FakeProvider.CENT);
        });
    return release;
  }

  private void takeAMoment() {
    provider.thenDoes(
        _ -> {
          await().pollDelay(Duration.ofMillis(100)).until(() -> true);
          return FakeProvider.ending(new Outcome.Answered("x", null, false), FakeProvider.CENT);
        });
  }

  private boolean everythingIsHeld() {
    return broker.depths(QUEUES).values().stream().allMatch(depth -> depth == 0);
  }

  private String queueBoundTo(String key) throws IOException {
    String queue = rabbit.replyQueue();
    rabbit.channel().queueBind(queue, Topology.FLOW, key);
    return queue;
  }

  private static RoutedTask task(String id, Priority priority) {
    return Examples.routed(Examples.task(id, "prompt of " + id, priority), "haiku");
  }

  private void publish(RoutedTask task) {
    publish(Topology.routedKey("haiku", task.priority()), task);
  }

  private void publish(String key, Work work) {
    var properties =
        new AMQP.BasicProperties.Builder()
            .type(Codec.schemaOf(work))
            .messageId(work.eventId())
            .deliveryMode(2)
            .build();
    rabbit.publish(Topology.FLOW, key, properties, Codec.encode(work));
  }

  private static TaskEnded ended(GetResponse message) {
    return Codec.read(message.getBody(), TaskEnded.class);
  }
}
