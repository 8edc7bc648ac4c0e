package dev.symbiont.hop;

import static dev.symbiont.hop.Fleet.parcel;
import static dev.symbiont.hop.Fleet.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.PublishException.Problem;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@WithBroker
class PublisherIT {

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
  void aConfirmedMessageIsInItsQueues() {
    String second = Fleet.tap(broker, "task.#");

    soon(fleet.publisher.publish(parcel("task-1")));

    GetResponse message = broker.take(INBOX);
    assertThat(message.getProps().getMessageId()).isEqualTo("task-1/accepted");
    assertThat(message.getProps().getType()).isEqualTo("symbiont.accepted.v1");
    assertThat(message.getProps().getDeliveryMode()).isEqualTo(2);
    assertThat(message.getBody()).isEqualTo(parcel("task-1").body());
    assertThat(broker.take(second).getBody()).isEqualTo(message.getBody());
  }

  @Test
  void aMessageThatNoQueueTakesFailsUntilItsBindingIsBack() throws IOException {
    unbindInbox();

    assertThatThrownBy(() -> soon(fleet.publisher.publish(parcel("task-1"))))
        .cause()
        .isInstanceOfSatisfying(
            PublishException.class, it -> assertThat(it.problem()).isEqualTo(Problem.UNROUTABLE))
        .hasMessageContaining("task-1/accepted");
    fleet.broker.dropConnections();

    Awaitility.await("the topology is declared on the next connect")
        .atMost(Duration.ofSeconds(10))
        .ignoreExceptions()
        .untilAsserted(() -> soon(fleet.publisher.publish(parcel("task-2"))));
    assertThat(broker.take(INBOX).getProps().getMessageId()).isEqualTo("task-2/accepted");
  }

  @Test
  void anUnroutableMessageFailsAloneAmongOthers() throws IOException {
    broker.channel().queueUnbind(Topology.CLASSIFIED, Topology.FLOW, Topology.CALL_CLASSIFIED);
    broker.channel().queueUnbind(Topology.LEDGER, Topology.FLOW, "call.#");

    var good = new ArrayList<CompletableFuture<Void>>();
    var bad = new ArrayList<CompletableFuture<Void>>();
    for (int i = 0; i < 50; i++) {
      good.add(fleet.publisher.publish(parcel("task-" + i)));
      bad.add(
          fleet.publisher.publish(Parcel.step(Topology.CALL_CLASSIFIED, Fleet.task("task-" + i))));
    }

    good.forEach(Fleet::soon);
    assertThat(bad)
        .allSatisfy(
            it ->
                assertThatThrownBy(() -> soon(it))
                    .cause()
                    .extracting("problem")
                    .isEqualTo(Problem.UNROUTABLE));
  }

  @Test
  void anUnroutableMessageWithHeadersFails() throws IOException {
    unbindInbox();

    var step = Parcel.step(Topology.acceptedKey(Priority.NORMAL), Fleet.task("task-1"), "reply.x");

    assertThatThrownBy(() -> soon(fleet.publisher.publish(step)))
        .cause()
        .extracting("problem")
        .isEqualTo(Problem.UNROUTABLE);
  }

  @Test
  void anAnswerToSomebodyWhoHasGoneCounts() {
    soon(
        fleet.publisher.publish(
            Parcel.answer(
                new LedgerAnswer.Cancel("ask-1", CancelVerdict.UNKNOWN), "reply.nobody")));
  }

  @Test
  void anExchangeThatIsMissingFailsAsLost() throws IOException {
    broker.channel().exchangeDelete(Topology.FLOW);

    assertThatThrownBy(() -> soon(fleet.publisher.publish(parcel("task-1"))))
        .cause()
        .extracting("problem")
        .isEqualTo(Problem.LOST);
  }

  @Test
  void aThousandMessagesFromManyThreadsAreAllConfirmed() {
    List<CompletableFuture<Void>> all;
    try (var threads = Executors.newFixedThreadPool(16)) {
      all =
          IntStream.range(0, 1_000)
              .mapToObj(i -> parcel("task-" + i))
              .map(it -> CompletableFuture.supplyAsync(() -> it, threads))
              .map(it -> it.thenCompose(fleet.publisher::publish))
              .toList();
    }
    all.forEach(Fleet::soon);

    Awaitility.await().until(() -> broker.depth(INBOX) == 1_000);
    assertThat(broker.depth(Topology.LEDGER)).isEqualTo(1_000);
  }

  @Test
  void whatIsInFlightWhenTheConnectionIsCutFailsAsLost() {
    var all = new ArrayList<CompletableFuture<Void>>();
    for (int i = 0; i < 500; i++) {
      all.add(fleet.publisher.publish(parcel("task-" + i)));
    }
    fleet.broker.dropConnections();

    for (CompletableFuture<Void> one : all) {
      var failure = one.handle((_, e) -> e).orTimeout(20, java.util.concurrent.TimeUnit.SECONDS);
      assertThat(failure.join())
          .satisfiesAnyOf(
              it -> assertThat(it).isNull(),
              it -> assertThat(it).extracting("problem").isEqualTo(Problem.LOST));
    }
  }

  @Test
  void aFutureMayPublishAgainFromItsOwnThread() {
    var second =
        fleet
            .publisher
            .publish(parcel("task-1"))
            .thenCompose(_ -> fleet.publisher.publish(parcel("task-2")));

    soon(second);
  }

  private void unbindInbox() throws IOException {
    broker.channel().queueUnbind(INBOX, Topology.FLOW, Topology.acceptedKey(Priority.NORMAL));
    broker.channel().queueUnbind(Topology.LEDGER, Topology.FLOW, "task.#");
    broker.channel().exchangeUnbind(Topology.EVENTS, Topology.FLOW, "task.#");
  }
}
