package dev.symbiont.hop;

import static dev.symbiont.hop.Fleet.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The test plays the ledger-writer.
@WithBroker
class LedgerClientIT {

  private final List<TaskEnded> ends = new CopyOnWriteArrayList<>();
  private final List<String> late = new CopyOnWriteArrayList<>();
  private final List<StopCall> stops = new CopyOnWriteArrayList<>();
  private final List<TierState> states = new CopyOnWriteArrayList<>();
  private final AtomicInteger reconnects = new AtomicInteger();
  private TestBroker broker;
  private String ledger;
  private Fleet fleet;
  private LedgerClient client;

  @BeforeEach
  void connect(TestBroker toBroker) {
    broker = toBroker;
    fleet = Fleet.on(toBroker);
    ledger = Fleet.tap(toBroker, Topology.ASK_LEDGER);
    client =
        new LedgerClient(
            fleet.broker,
            fleet.hop,
            "worker-1",
            new LedgerClient.Listener() {
              @Override
              public List<String> keys() {
                return List.of(Topology.ANY_TIER);
              }

              @Override
              public void ended(TaskEnded end) {
                ends.add(end);
              }

              @Override
              public void grantedLate(GrantRequest request, GrantAnswer.Granted grant) {
                late.add(request.requestId() + " as " + grant.callId());
              }

              @Override
              public void stop(StopCall call) {
                stops.add(call);
              }

              @Override
              public void tierIs(TierState state) {
                states.add(state);
              }

              @Override
              public void reconnected(LedgerClient client) {
                reconnects.incrementAndGet();
              }
            });
  }

  @AfterEach
  void disconnect() {
    client.close();
    fleet.close();
  }

  @Test
  void aQuestionIsAnsweredThroughTheReplyKey() {
    CompletableFuture<GrantAnswer> answer = client.ask(request("ask-1"));

    GetResponse asked = broker.take(ledger);
    assertThat(asked.getProps().getMessageId()).isEqualTo("ask-1");
    assertThat(Codec.decode(asked.getProps().getType(), asked.getBody()))
        .isEqualTo(request("ask-1"));
    reply(new GrantAnswer.Granted("ask-1", "task-1/call.1", null, Spent.NOTHING));

    assertThat(soon(answer))
        .isEqualTo(new GrantAnswer.Granted("ask-1", "task-1/call.1", null, Spent.NOTHING));
  }

  @Test
  void aGrantThatComesAfterAnotherAnswerIsHandedOn() {
    CompletableFuture<GrantAnswer> refused = client.ask(request("ask-1"));
    CompletableFuture<GrantAnswer> granted = client.ask(request("ask-2"));
    reply(new GrantAnswer.Expired("ask-1", Spent.NOTHING));
    reply(new GrantAnswer.Granted("ask-2", "task-2/call.1", null, Spent.NOTHING));
    soon(refused);
    soon(granted);

    reply(new GrantAnswer.Granted("ask-2", "task-2/call.1", null, Spent.NOTHING));
    reply(new GrantAnswer.Granted("ask-1", "task-1/call.1", null, Spent.NOTHING));
    reply(new GrantAnswer.Granted("ask-1", "task-1/call.1", null, Spent.NOTHING));

    Awaitility.await()
        .untilAsserted(() -> assertThat(late).containsExactly("ask-1 as task-1/call.1"));
  }

  @Test
  void eachAnswerFindsItsOwnQuestion() {
    CompletableFuture<GrantAnswer> first = client.ask(request("ask-1"));
    CompletableFuture<GrantAnswer> second = client.ask(request("ask-2"));

    reply(new GrantAnswer.Cancelled("ask-2"));
    reply(new GrantAnswer.Cancelled("ask-9"));
    reply(new GrantAnswer.Expired("ask-1", Spent.NOTHING));

    assertThat(soon(first)).isEqualTo(new GrantAnswer.Expired("ask-1", Spent.NOTHING));
    assertThat(soon(second)).isEqualTo(new GrantAnswer.Cancelled("ask-2"));
  }

  @Test
  void rubbishInTheReplyQueueHurtsNobody() {
    CompletableFuture<GrantAnswer> answer = client.ask(request("ask-1"));
    broker.take(ledger);

    broker.publish(Topology.FLOW, client.replyKey(), Fleet.BARE, new byte[] {1, 2, 3});
    reply(new GrantAnswer.Expired("ask-1", Spent.NOTHING));

    assertThat(soon(answer)).isEqualTo(new GrantAnswer.Expired("ask-1", Spent.NOTHING));
  }

  @Test
  void aQueryThatNobodyAnswersRunsIntoItsPatience() {
    CompletableFuture<LedgerAnswer.Cancel> answer =
        client.ask(
            (id, key) -> new LedgerQuery.Cancel(id, key, "task-1"),
            LedgerAnswer.Cancel.class,
            Duration.ofMillis(300));

    assertThatThrownBy(() -> soon(answer)).hasCauseInstanceOf(TimeoutException.class);
  }

  @Test
  void aQueryGetsItsAnswer() {
    CompletableFuture<LedgerAnswer.Cancel> answer =
        client.ask(
            (id, key) -> new LedgerQuery.Cancel(id, key, "task-1"),
            LedgerAnswer.Cancel.class,
            Duration.ofSeconds(10));

    GetResponse asked = broker.take(ledger);
    var query = (LedgerQuery.Cancel) Codec.decode(asked.getProps().getType(), asked.getBody());
    reply(new LedgerAnswer.Cancel(query.requestId(), CancelVerdict.UNKNOWN));

    assertThat(soon(answer).verdict()).isEqualTo(CancelVerdict.UNKNOWN);
    assertThat(query.replyKey()).isEqualTo("reply.worker-1");
  }

  @Test
  void anEndSentToTheReplyKeyIsHandedOn() {
    var end =
        new TaskEnded(
            "task-1",
            TaskState.FAILED,
            "why",
            null,
            List.of(),
            null,
            BigDecimal.ZERO,
            Instant.parse("2026-03-01T12:00:00Z"),
            0);

    soon(fleet.hop.deliver(List.of(Parcel.step("task.failed", end, client.replyKey()))));

    Awaitility.await().untilAsserted(() -> assertThat(ends).containsExactly(end));
  }

  @Test
  void whatIsSaidAboutTiersAndCallsIsHandedOnAlsoAfterAReconnect() {
    var limited =
        new TierState(
            "haiku",
            TierState.Phase.LIMITED,
            Instant.parse("2026-03-01T12:00:00Z"),
            Instant.parse("2026-03-01T13:00:00Z"),
            "you have hit your limit",
            null);
    Awaitility.await().until(() -> reconnects.get() == 1);
    fleet.broker.dropConnections();
    Awaitility.await().until(() -> reconnects.get() == 2);

    soon(fleet.hop.deliver(List.of(Parcel.tier(Topology.changedKey(limited), limited))));
    soon(
        fleet.hop.deliver(
            List.of(Parcel.answer(new StopCall("task-1/call.1"), client.replyKey()))));

    Awaitility.await().untilAsserted(() -> assertThat(states).containsExactly(limited));
    Awaitility.await()
        .untilAsserted(() -> assertThat(stops).containsExactly(new StopCall("task-1/call.1")));
  }

  @Test
  void aQuestionIsAskedAgainThroughAFreshQueueAfterAReconnect() {
    Awaitility.await().until(() -> reconnects.get() == 1);
    CompletableFuture<GrantAnswer> answer = client.ask(request("ask-1"));
    assertThat(broker.take(ledger).getProps().getMessageId()).isEqualTo("ask-1");

    fleet.broker.dropConnections();

    GetResponse again = broker.take(ledger);
    assertThat(again.getProps().getMessageId()).isEqualTo("ask-1");
    Awaitility.await().untilAsserted(() -> assertThat(reconnects).hasValueGreaterThan(1));
    reply(new GrantAnswer.Granted("ask-1", "task-1/call.1", null, Spent.NOTHING));
    assertThat(soon(answer))
        .isEqualTo(new GrantAnswer.Granted("ask-1", "task-1/call.1", null, Spent.NOTHING));
  }

  @Test
  void aQuestionWhoseAnswerGotLostIsAskedAgain() {
    CompletableFuture<GrantAnswer> answer = client.ask(request("ask-1"));

    assertThat(broker.take(ledger).getProps().getMessageId()).isEqualTo("ask-1");
    assertThat(broker.take(ledger).getProps().getMessageId()).isEqualTo("ask-1");
    reply(new GrantAnswer.Expired("ask-1", Spent.NOTHING));

    assertThat(soon(answer)).isEqualTo(new GrantAnswer.Expired("ask-1", Spent.NOTHING));
  }

  @Test
  void whoeverClosesGivesUpItsQuestions() {
    CompletableFuture<GrantAnswer> answer = client.ask(request("ask-1"));

    client.close();

    assertThat(answer).isCancelled();
  }

  private void reply(GrantAnswer answer) {
    soon(fleet.publisher.publish(Parcel.answer(answer, client.replyKey())));
  }

  private void reply(LedgerAnswer answer) {
    soon(fleet.publisher.publish(Parcel.answer(answer, client.replyKey())));
  }

  private GrantRequest request(String id) {
    return new GrantRequest(
        id,
        client.replyKey(),
        "task-1",
        Purpose.TASK,
        "haiku",
        1,
        0,
        1,
        "worker-1",
        false,
        Priority.NORMAL,
        null,
        null,
        Map.of(),
        "the prompt");
  }
}
