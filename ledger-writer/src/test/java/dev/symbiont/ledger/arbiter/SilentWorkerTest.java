package dev.symbiont.ledger.arbiter;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.WorkerBeat.Phase;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.Span;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// When the calls of a worker are given up: after beats of the ledger-writer's own, nothing else.
class SilentWorkerTest {

  private final RoutedTask work = Samples.routed("task-1");
  private Instant now = NOON;
  private final Arbiter arbiter =
      new Arbiter(
          Samples.TIERS,
          () -> now,
          System::nanoTime,
          Samples.RULES,
          Arbiter.Memory.NONE,
          _ -> Optional.empty());

  @Test
  void aCallIsGivenUpAfterFiveOwnBeatsWithoutOneOfItsWorker() {
    arbiter.beat(Samples.beat("worker-1"), false);
    grant("ask-1", "worker-1");
    now = NOON.plusSeconds(10);

    assertThat(ownBeats(4)).isEmpty();
    List<CallEnded> given = ownBeats(1);

    assertThat(given).singleElement().extracting(CallEnded::callId).isEqualTo("task-1/call.1");
    CallEnded end = given.getFirst();
    assertThat(end.outcome())
        .isEqualTo(new Outcome.Unknown("worker worker-1 fell silent during the call"));
    assertThat(end.elapsedSeconds()).isEqualTo("10.000");
    assertThat(end.usage().costUsd()).isEqualByComparingTo("0.008");
    assertThat(end.usage().costBasis()).isEqualTo(CostBasis.UNKNOWN);
  }

  @Test
  void aWorkerThatWasNeverHeardOfGetsTheSameTime() {
    grant("ask-1", "worker-1");

    assertThat(ownBeats(4)).isEmpty();
    assertThat(ownBeats(1)).hasSize(1);
  }

  @Test
  void aBeatInTimeKeepsTheCall() {
    grant("ask-1", "worker-1");

    for (int i = 0; i < 100; i++) {
      assertThat(ownBeats(4)).isEmpty();
      arbiter.beat(Samples.beat("worker-1", Phase.HEARTBEAT, "task-1/call.1"), false);
    }
  }

  /// Its grant was lost, and with it the worker's chance to ask again.
  @Test
  void aCallThatItsWorkerNeverNamesIsGivenUpAsWell() {
    grant("ask-1", "worker-1");

    var given = new ArrayList<CallEnded>();
    int beats = 0;
    while (given.isEmpty()) {
      arbiter.beat(Samples.beat("worker-1", Phase.HEARTBEAT, "task-2/call.1"), false);
      given.addAll(ownBeats(1));
      beats++;
    }

    assertThat(beats).as("time to ask again").isBetween(15, 20);
    assertThat(given.getFirst().outcome())
        .isEqualTo(new Outcome.Unknown("worker worker-1 does not know of the call"));
  }

  @Test
  void aCallThatItsWorkerNamesNoMoreGetsTimeForItsEnd() {
    grant("ask-1", "worker-1");
    arbiter.beat(Samples.beat("worker-1", Phase.HEARTBEAT, "task-1/call.1"), false);

    for (int i = 0; i < 14; i++) {
      arbiter.beat(Samples.beat("worker-1"), false);
      assertThat(ownBeats(1)).isEmpty();
    }
  }

  @Test
  void aClockThatJumpsGivesNothingUp() {
    arbiter.beat(Samples.beat("worker-1"), false);
    grant("ask-1", "worker-1");

    for (Duration jump : List.of(Duration.ofDays(1), Duration.ofDays(-2))) {
      now = now.plus(jump);
      assertThat(ownBeats(1)).isEmpty();
      assertThat(arbiter.beat(Samples.beat("worker-1"), false)).isEmpty();
    }
    assertThat(ownBeats(4)).isEmpty();
  }

  @Test
  void aBacklogOfBeatsGivesNothingUp() {
    arbiter.beat(Samples.beat("worker-1"), false);
    grant("ask-1", "worker-1");
    now = now.plus(Duration.ofHours(1));

    // Both have waited in the queue for the same time.
    WorkerBeat beat = Samples.beat("worker-1", Phase.HEARTBEAT, "task-1/call.1");
    for (int i = 0; i < 1_800; i++) {
      assertThat(arbiter.beat(beat, false)).isEmpty();
      assertThat(ownBeats(1)).isEmpty();
    }
  }

  @Test
  void aTierThatMayNotBeCalledTwiceIsNot() {
    RoutedTask dear = Samples.routed(Samples.accepted("task-2"), "opus");
    var verdict = arbiter.decide(Samples.request(dear, "ask-1", "worker-1"));
    CallGranted call = Objects.requireNonNull(verdict.grant());
    apply(call.eventId(), call);
    CallEnded unknown = ownBeats(5).getFirst();
    apply(unknown.callId() + "/unknown", unknown);

    assertThat(arbiter.decide(Samples.request(dear, "ask-2", "worker-2")).answer())
        .isInstanceOfSatisfying(
            GrantAnswer.Unknown.class, it -> assertThat(it.callId()).isEqualTo("task-2/call.1"));
  }

  @Test
  void theBeatsOfOtherWorkersLetNoTimePass() {
    grant("ask-1", "worker-1");

    for (int i = 0; i < 100; i++) {
      assertThat(arbiter.beat(Samples.beat("worker-2"), false)).isEmpty();
    }
  }

  @Test
  void aWorkerThatSaysGoodbyeIsNotWaitedFor() {
    arbiter.beat(Samples.beat("worker-1"), false);
    grant("ask-1", "worker-1");

    arbiter.beat(Samples.beat("worker-1", Phase.STOPPED), false);

    assertThat(ownBeats(1)).hasSize(1);
    assertThat(arbiter.liveWorkers()).extracting(WorkerBeat::worker).containsExactly("ledger-1");
  }

  @Test
  void anEndedCallIsNotGivenUp() {
    CallGranted call = grant("ask-1", "worker-1");
    apply(call.callId() + "/ended", Samples.crashed(call));

    assertThat(ownBeats(20)).isEmpty();
  }

  @Test
  void aCallIsGivenUpOnceAndItsTaskIsFreeForAnother() {
    grant("ask-1", "worker-1");
    CallEnded unknown = ownBeats(5).getFirst();
    apply(unknown.callId() + "/unknown", unknown);

    assertThat(ownBeats(20)).isEmpty();
    arbiter.beat(Samples.beat("worker-2"), false);
    assertThat(arbiter.decide(Samples.request(work, "ask-2", "worker-2")).answer())
        .isInstanceOfSatisfying(
            GrantAnswer.Granted.class,
            it -> {
              assertThat(it.callId()).isEqualTo("task-1/call.2");
              assertThat(it.spent().taskUsd()).as("reserved").isEqualTo(unknown.usage().costUsd());
            });
  }

  @Test
  void aLateEndAfterUnknownCorrectsTheCall() {
    CallGranted call = grant("ask-1", "worker-1");
    CallEnded unknown = ownBeats(5).getFirst();
    apply(unknown.callId() + "/unknown", unknown);
    CallEnded late = Samples.answered(call, "0.02");

    assertThat(arbiter.hasSeen("task-1", late.eventId())).isFalse();
    apply(late.eventId(), Samples.succeeded(work, late));

    CallRecord known = arbiter.find("task-1").orElseThrow().calls().getFirst();
    assertThat(known.outcome()).isEqualTo("answered");
    assertThat(known.costUsd()).isEqualByComparingTo("0.02");
  }

  @Test
  void workersAreAliveUntilTheyLapseAndForgottenLater() {
    arbiter.beat(Samples.beat("worker-1"), false);
    ownBeats(4);
    assertThat(arbiter.liveWorkers())
        .extracting(WorkerBeat::worker)
        .containsExactly("worker-1", "ledger-1");

    ownBeats(1);

    assertThat(arbiter.liveWorkers()).extracting(WorkerBeat::worker).containsExactly("ledger-1");
  }

  @Test
  void openCallsOfAnEarlierWriterAreGivenUpToo() {
    apply(work.eventId(), work);
    grant("ask-1", "worker-1");
    var next =
        new Arbiter(
            Samples.TIERS,
            () -> now,
            System::nanoTime,
            Samples.RULES,
            new Arbiter.Memory(arbiter.takeChanged(), List.of(), List.of(), List.of(), List.of()),
            _ -> Optional.empty());

    var given = new ArrayList<CallEnded>();
    for (int i = 0; i < 5; i++) {
      given.addAll(next.beat(Samples.beat("ledger-2"), true));
    }

    assertThat(given).singleElement().extracting(CallEnded::worker).isEqualTo("worker-1");
  }

  private List<CallEnded> ownBeats(int count) {
    var given = new ArrayList<CallEnded>();
    for (int i = 0; i < count; i++) {
      given.addAll(arbiter.beat(Samples.beat("ledger-1"), true));
    }
    return given;
  }

  private CallGranted grant(String requestId, String worker) {
    CallGranted grant =
        Objects.requireNonNull(arbiter.decide(Samples.request(work, requestId, worker)).grant());
    apply(grant.eventId(), grant);
    return grant;
  }

  private void apply(String eventId, Step step) {
    arbiter.apply(eventId, step, new Span(0, 1), now);
  }
}
