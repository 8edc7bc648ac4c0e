package dev.symbiont.hop;

import static dev.symbiont.hop.Fleet.parcel;
import static dev.symbiont.hop.Fleet.soon;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@WithBroker
class HopIT {

  private static final String INBOX = Topology.inbox(Priority.NORMAL);
  private static final String NEXT = Topology.inbox(Priority.HIGH);

  private final BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
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
  void whatWasForwardedIsInTheNextQueueAndGoneFromTheFirst() throws Exception {
    soon(fleet.publisher.publish(parcel("task-1")));
    try (Intake _ = takingFrom(INBOX)) {
      soon(fleet.hop.forward(next(), List.of(onward("task-1"))));
    }

    assertThat(broker.take(NEXT).getProps().getMessageId()).isEqualTo("task-1/accepted");
    assertThat(leftIn(INBOX)).isZero();
  }

  @Test
  void nothingIsAcknowledgedBeforeTheConfirm() throws Exception {
    soon(fleet.publisher.publish(parcel("task-1")));
    unbind(Priority.HIGH);
    CompletableFuture<Void> forwarded;
    try (Intake _ = takingFrom(INBOX)) {
      forwarded = fleet.hop.forward(next(), List.of(onward("task-1")));
      Awaitility.await()
          .during(Duration.ofMillis(500))
          .atMost(Duration.ofSeconds(5))
          .until(() -> !forwarded.isDone());
    }

    Awaitility.await("it comes back to its queue").until(() -> broker.depth(INBOX) == 1);
    assertThat(forwarded).isNotDone();
    broker.channel().queueBind(NEXT, Topology.FLOW, Topology.acceptedKey(Priority.HIGH));
    assertThat(broker.take(NEXT).getProps().getMessageId()).isEqualTo("task-1/accepted");
  }

  @Test
  void settlingWhatTheBrokerTookBackDoesNothing() throws Exception {
    soon(fleet.publisher.publish(parcel("task-1")));
    Delivery gone;
    try (Intake _ = takingFrom(INBOX)) {
      gone = next();
    }
    Awaitility.await().until(() -> broker.depth(INBOX) == 1);

    fleet.hop.done(gone);
    fleet.hop.putBack(gone);
    soon(fleet.hop.forward(gone, List.of(onward("task-1"))));

    assertThat(broker.depth(INBOX)).isEqualTo(1);
  }

  @Test
  void aRunOfDeliveriesIsAcknowledgedAtOnce() throws Exception {
    var run = new ArrayList<Delivery>();
    for (int i = 0; i < 10; i++) {
      soon(fleet.publisher.publish(parcel("task-" + i)));
    }
    try (Intake _ = takingFrom(INBOX)) {
      for (int i = 0; i < 10; i++) {
        run.add(next());
      }
      soon(
          fleet.hop.forwardAll(
              java.util.concurrent.CompletableFuture.completedFuture(null),
              run.subList(0, 7),
              List.of(onward("task-0"))));
    }

    assertThat(leftIn(INBOX)).isEqualTo(3);
  }

  @Test
  void whatIsPutBackComesAgain() throws Exception {
    soon(fleet.publisher.publish(parcel("task-1")));
    try (Intake _ = takingFrom(INBOX)) {
      Delivery first = next();
      assertThat(first.redelivered()).isFalse();
      fleet.hop.putBack(first);

      Delivery second = next();
      assertThat(second.redelivered()).isTrue();
      assertThat(second.body()).isEqualTo(first.body());
      fleet.hop.done(second);
    }

    assertThat(leftIn(INBOX)).isZero();
  }

  @Test
  void whatIsSetAsideKeepsAllThatItCameWith() throws Exception {
    var properties =
        new AMQP.BasicProperties.Builder()
            .type("some.type")
            .messageId("m-1")
            .correlationId("c-1")
            .replyTo("own.queue")
            .contentType("text/plain")
            .contentEncoding("utf-8")
            .appId("app")
            .priority(3)
            .expiration("60000")
            .headers(
                Map.of(
                    "mine",
                    "kept",
                    "x-request-id",
                    "kept",
                    "x-delivery-count",
                    "dropped",
                    "number",
                    7))
            .build();
    byte[] body = {0, 1, -1, (byte) 0xC3};
    broker.publish(Topology.TASKS, "normal", properties, body);
    try (Intake _ = takingFrom(INBOX)) {
      soon(fleet.hop.setAside(next(), "no reason"));
    }

    GetResponse aside = broker.take(Topology.DEAD_LETTERS);
    assertThat(aside.getBody()).isEqualTo(body);
    AMQP.BasicProperties kept = aside.getProps();
    assertThat(kept.getType()).isEqualTo("some.type");
    assertThat(kept.getMessageId()).isEqualTo("m-1");
    assertThat(kept.getCorrelationId()).isEqualTo("c-1");
    assertThat(kept.getReplyTo()).isEqualTo("own.queue");
    assertThat(kept.getContentType()).isEqualTo("text/plain");
    assertThat(kept.getContentEncoding()).isEqualTo("utf-8");
    assertThat(kept.getAppId()).isEqualTo("app");
    assertThat(kept.getPriority()).isEqualTo(3);
    assertThat(kept.getExpiration()).as("it must not vanish").isNull();
    assertThat(kept.getDeliveryMode()).isEqualTo(2);
    assertThat(kept.getHeaders()).containsEntry("number", 7);
    assertThat(kept.getHeaders().get("x-request-id")).hasToString("kept");
    assertThat(kept.getHeaders().get("x-delivery-count")).isNotEqualTo("dropped");
    assertThat(kept.getHeaders().get(Topology.REASON_HEADER)).hasToString("no reason");
    assertThat(kept.getHeaders().get(Topology.SOURCE_HEADER)).hasToString(INBOX);
    assertThat(leftIn(INBOX)).isZero();
  }

  @Test
  void aMessageStaysWhereItIsWhileTheDeadLettersAreMissing() throws Exception {
    broker.channel().queueUnbind(Topology.DEAD_LETTERS, Topology.DEAD_LETTERS, "");
    broker.channel().queueUnbind(Topology.LEDGER, Topology.DEAD_LETTERS, "");
    broker.publish(Topology.TASKS, "normal", Fleet.BARE, "rubbish".getBytes(UTF_8));
    CompletableFuture<Void> aside;
    try (Intake _ = takingFrom(INBOX)) {
      aside = fleet.hop.setAside(next(), "no reason");
    }

    Awaitility.await().until(() -> broker.depth(INBOX) == 1);
    assertThat(aside).isNotDone();
  }

  @Test
  void nothingIsLostWhenConnectionsAreCutInMidFlight() throws Exception {
    int count = 400;
    Set<String> arrived = ConcurrentHashMap.newKeySet();
    var sent = new ArrayList<CompletableFuture<Void>>();
    try (var first =
            new Intake(
                fleet.broker,
                fleet.hop,
                List.of(INBOX),
                20,
                it -> {
                  var _ = fleet.hop.forward(it, List.of(onward(idOf(it))));
                });
        var second =
            new Intake(
                fleet.broker,
                fleet.hop,
                List.of(NEXT),
                20,
                it -> {
                  arrived.add(idOf(it));
                  fleet.hop.done(it);
                })) {
      first.start();
      second.start();
      for (int i = 0; i < count; i++) {
        sent.add(fleet.hop.deliver(List.of(parcel("task-" + i))));
        if (i % 100 == 50) {
          fleet.broker.dropConnections();
        }
      }

      sent.forEach(Fleet::soon);
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(arrived).hasSize(count));
    }
  }

  private Intake takingFrom(String queue) {
    var intake = new Intake(fleet.broker, fleet.hop, List.of(queue), 100, deliveries::add);
    intake.start();
    return intake;
  }

  private Delivery next() throws InterruptedException {
    Delivery delivery = deliveries.poll(10, TimeUnit.SECONDS);
    assertThat(delivery).as("a delivery").isNotNull();
    return java.util.Objects.requireNonNull(delivery);
  }

  /// Ready messages once nobody holds any.
  private long leftIn(String queue) throws IOException {
    Awaitility.await().until(() -> broker.channel().consumerCount(queue) == 0);
    return broker.depth(queue);
  }

  private void unbind(Priority priority) throws IOException {
    broker
        .channel()
        .queueUnbind(Topology.inbox(priority), Topology.FLOW, Topology.acceptedKey(priority));
    broker.channel().queueUnbind(Topology.LEDGER, Topology.FLOW, "task.#");
    broker.channel().exchangeUnbind(Topology.EVENTS, Topology.FLOW, "task.#");
  }

  private static Parcel onward(String id) {
    return Parcel.step(Topology.acceptedKey(Priority.HIGH), Fleet.task(id));
  }

  private static String idOf(Delivery delivery) {
    return delivery.properties().getMessageId().replace("/accepted", "");
  }
}
