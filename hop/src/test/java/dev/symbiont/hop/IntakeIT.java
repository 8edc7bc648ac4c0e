package dev.symbiont.hop;

import static dev.symbiont.hop.Fleet.parcel;
import static dev.symbiont.hop.Fleet.soon;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@WithBroker
class IntakeIT {

  private static final String INBOX = Topology.inbox(Priority.NORMAL);

  private TestBroker broker;
  private Fleet fleet;

  @BeforeEach
  void connect(TestBroker toBroker) {
    broker = toBroker;
    fleet = Fleet.on(toBroker);
  }

  @AfterEach
  void disconnect() {
    fleet.close();
  }

  @Test
  void whatTheHandlerThrowsSetsTheMessageAsideAsItCame() {
    var properties =
        new AMQP.BasicProperties.Builder()
            .type("symbiont.task.v1")
            .messageId("m-1")
            .headers(Map.of("mine", "kept"))
            .build();
    broker.publish(Topology.TASKS, "normal", properties, "a body".getBytes(UTF_8));

    try (Intake _ =
        taking(
            _ -> {
              throw new IllegalStateException("no way");
            })) {
      GetResponse aside = broker.take(Topology.DEAD_LETTERS);

      assertThat(aside.getBody()).isEqualTo("a body".getBytes(UTF_8));
      assertThat(aside.getProps().getType()).isEqualTo("symbiont.task.v1");
      assertThat(aside.getProps().getMessageId()).isEqualTo("m-1");
      assertThat(aside.getProps().getHeaders().get("mine")).hasToString("kept");
      assertThat(aside.getProps().getHeaders().get(Topology.REASON_HEADER))
          .hasToString("cannot be handled: java.lang.IllegalStateException: no way");
    }
  }

  @Test
  void anUnreadableMessageIsSetAsideWithItsReasonAndTheOthersFlow() {
    Set<String> read = ConcurrentHashMap.newKeySet();
    for (String rubbish : List.of("{", "null", "[]", "{\"a\":".repeat(10_000), "\u0000")) {
      broker.publish(
          Topology.TASKS,
          "normal",
          new AMQP.BasicProperties.Builder().type("symbiont.task.v1").build(),
          rubbish.getBytes(UTF_8));
    }
    soon(fleet.publisher.publish(parcel("task-1")));

    try (Intake _ =
        taking(
            it -> {
              Codec.decode(it.schema(), it.body());
              read.add(it.properties().getMessageId());
              fleet.hop.done(it);
            })) {
      Awaitility.await().untilAsserted(() -> assertThat(read).containsExactly("task-1/accepted"));
      for (int i = 0; i < 5; i++) {
        var headers = broker.take(Topology.DEAD_LETTERS).getProps().getHeaders();
        assertThat(String.valueOf(headers.get(Topology.REASON_HEADER)))
            .isNotBlank()
            .isNotEqualTo("null")
            .doesNotContain("\n");
      }
    }
    assertThat(broker.depth(Topology.DEAD_LETTERS)).isZero();
  }

  @Test
  void nothingIsTakenWhilePausedAlsoNotOverANewConnection() {
    var seen = new CopyOnWriteArrayList<Delivery>();

    try (Intake intake = taking(seen::add)) {
      soon(fleet.publisher.publish(parcel("task-1")));
      Awaitility.await().until(() -> seen.size() == 1);
      intake.pause(true);
      intake.pause(true);
      soon(fleet.publisher.publish(parcel("task-2")));
      fleet.hop.done(seen.getFirst());
      Awaitility.await().until(() -> broker.depth(INBOX) == 1);
      fleet.broker.dropConnections();
      soon(fleet.publisher.publish(parcel("task-3")));
      Awaitility.await().until(() -> broker.depth(INBOX) == 2);
      assertThat(seen).hasSize(1);

      intake.pause(false);

      Awaitility.await().until(() -> seen.size() == 3);
    }
  }

  @Test
  void aVisitTakesSoManyFromTheHeadAndLeavesTheRest() throws Exception {
    for (int i = 1; i <= 3; i++) {
      soon(fleet.publisher.publish(parcel("task-" + i)));
    }
    Awaitility.await().until(() -> broker.depth(INBOX) == 3);

    int taken =
        fleet.broker.visit(
            INBOX, 2, delivery -> fleet.hop.forward(delivery, List.of(parcel("task-9"))));

    assertThat(taken).isEqualTo(2);
    assertThat(broker.take(INBOX).getProps().getMessageId()).isEqualTo("task-3/accepted");
    assertThat(broker.take(INBOX).getProps().getMessageId()).isEqualTo("task-9/accepted");
    assertThat(broker.take(INBOX).getProps().getMessageId()).isEqualTo("task-9/accepted");
    assertThat(
            fleet.broker.visit(
                INBOX, 2, _ -> java.util.concurrent.CompletableFuture.completedFuture(null)))
        .isZero();
  }

  @Test
  void aDeliveryTellsWhereItCameFrom() {
    var seen = new CopyOnWriteArrayList<Delivery>();
    soon(fleet.publisher.publish(parcel("task-1")));
    broker.publish(Topology.TASKS, "normal", Fleet.BARE, new byte[0]);

    try (Intake _ = taking(seen::add)) {
      Awaitility.await().until(() -> seen.size() == 2);
    }

    assertThat(seen).extracting(Delivery::queue).containsOnly(INBOX);
    assertThat(seen)
        .extracting(Delivery::exchange)
        .containsExactlyInAnyOrder(Topology.FLOW, Topology.TASKS);
    assertThat(seen).anySatisfy(it -> assertThat(it.schema()).isNull());
    assertThat(seen).anySatisfy(it -> assertThat(it.headers()).isEmpty());
  }

  @Test
  void noMoreThanThePrefetchIsHeld() {
    var held = new CopyOnWriteArrayList<Delivery>();
    for (int i = 0; i < 10; i++) {
      soon(fleet.publisher.publish(parcel("task-" + i)));
    }

    try (Intake intake = new Intake(fleet.broker, fleet.hop, List.of(INBOX), 3, held::add)) {
      intake.start();
      Awaitility.await()
          .during(Duration.ofMillis(500))
          .atMost(Duration.ofSeconds(10))
          .until(() -> held.size() == 3);
      fleet.hop.done(held.getFirst());
      Awaitility.await().until(() -> held.size() == 4);
    }

    Awaitility.await("what was held comes back").until(() -> broker.depth(INBOX) == 9);
  }

  @Test
  void consumersResumeAfterTheirConnectionWasCut() {
    Set<String> read = ConcurrentHashMap.newKeySet();
    try (Intake _ =
        taking(
            it -> {
              read.add(it.properties().getMessageId());
              fleet.hop.done(it);
            })) {
      soon(fleet.publisher.publish(parcel("task-1")));
      Awaitility.await().until(() -> read.size() == 1);

      fleet.broker.dropConnections();
      soon(fleet.hop.deliver(List.of(parcel("task-2"))));

      Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> read.size() == 2);
    }
  }

  @Test
  void aQueueThatSomebodyDeletesIsMadeAgainAndConsumedFrom() throws Exception {
    Set<String> read = ConcurrentHashMap.newKeySet();
    try (Intake _ =
        taking(
            it -> {
              read.add(it.properties().getMessageId());
              fleet.hop.done(it);
            })) {
      Awaitility.await().until(() -> broker.channel().consumerCount(INBOX) == 1);

      broker.channel().queueDelete(INBOX);
      // Until it is there again, the ledger alone has what is published.
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .pollInterval(Duration.ofMillis(200))
          .until(() -> soonPublished("task-1") && !read.isEmpty());
    }
  }

  private boolean soonPublished(String id) {
    soon(fleet.publisher.publish(parcel(id)));
    return true;
  }

  private Intake taking(Consumer<Delivery> handler) {
    var intake = new Intake(fleet.broker, fleet.hop, List.of(INBOX), 10, handler);
    intake.start();
    return intake;
  }
}
