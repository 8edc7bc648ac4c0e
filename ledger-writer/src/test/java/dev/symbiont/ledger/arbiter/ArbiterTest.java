package dev.symbiont.ledger.arbiter;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskState;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.Span;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ArbiterTest {

  private static final int MOST_CALLS = 3;

  private final RoutedTask work = Samples.routed("task-1");
  private final Map<String, TaskRecord> ended = new HashMap<>();
  private Instant now = NOON;
  private final Arbiter arbiter =
      new Arbiter(
          Samples.TIERS,
          () -> now,
          System::nanoTime,
          Samples.rules(MOST_CALLS),
          Arbiter.Memory.NONE,
          id -> Optional.ofNullable(ended.get(id)));

  @Test
  void aFirstRequestIsGranted() {
    apply(work);

    Arbiter.Verdict verdict = arbiter.decide(Samples.request(work, "ask-1", "worker-1"));

    assertThat(verdict.answer()).isEqualTo(granted("ask-1", 1));
    assertThat(verdict.grant())
        .isEqualTo(Samples.granted(Samples.request(work, "ask-1", "worker-1"), 1));
  }

  @Test
  void aTaskThatWasNeverHeardOfIsGrantedAsWell() {
    assertThat(ask("ask-1", "worker-1")).isEqualTo(granted("ask-1", 1));
  }

  @Test
  void aRepeatedRequestGetsTheSameGrantAndNoNewCall() {
    apply(work);
    grant("ask-1", "worker-1");

    Arbiter.Verdict again = arbiter.decide(Samples.request(work, "ask-1", "worker-1"));

    assertThat(again.answer()).isEqualTo(granted("ask-1", 1));
    assertThat(again.grant()).isNull();
  }

  @Test
  void anotherWorkerIsToldWhoMakesTheCall() {
    apply(work);
    grant("ask-1", "worker-1");

    assertThat(ask("ask-2", "worker-2")).isEqualTo(new GrantAnswer.Running("ask-2", "worker-1"));
  }

  @Test
  void anEndedTaskIsFinishedWithItsEnd() {
    apply(work);
    CallGranted call = grant("ask-1", "worker-1");
    apply(Samples.succeeded(work, Samples.answered(call, "0.01")));

    Arbiter.Verdict verdict = arbiter.decide(Samples.request(work, "ask-2", "worker-2"));

    assertThat(verdict.answer()).isEqualTo(new GrantAnswer.Finished("ask-2", null));
    assertThat(Objects.requireNonNull(verdict.endOf()).state()).isEqualTo(TaskState.SUCCEEDED);
  }

  @Test
  void anEndedTaskThatWasLetGoIsFoundAgain() {
    apply(work);
    CallGranted call = grant("ask-1", "worker-1");
    apply(Samples.succeeded(work, Samples.answered(call, "0.01")));
    arbiter.takeChanged().forEach(task -> ended.put(task.id(), task));

    assertThat(ask("ask-1", "worker-1")).isEqualTo(new GrantAnswer.Finished("ask-1", null));
    assertThat(arbiter.hasSeen("task-1", "task-1/call.1/ended")).isTrue();
    assertThat(arbiter.hasSeen("task-1", "task-1/call.2/ended")).isFalse();
  }

  @Test
  void aCancelledTaskIsNotCalled() {
    apply(work);
    apply(Samples.endedWithoutCall("task-1", TaskState.CANCELLED));

    assertThat(ask("ask-1", "worker-1")).isEqualTo(new GrantAnswer.Cancelled("ask-1"));
  }

  @Test
  void aTaskIsNotCalledFromItsDeadlineOn() {
    var deadline = NOON.plusSeconds(60);

    now = deadline.minusNanos(1);
    assertThat(arbiter.decide(due("ask-1", deadline)).answer()).isEqualTo(granted("ask-1", 1));
    now = deadline;

    assertThat(arbiter.decide(due("ask-1", deadline)).answer())
        .isEqualTo(new GrantAnswer.Expired("ask-1", Spent.NOTHING));
  }

  @Test
  void soManyCallsBeginForOneStepAndNoMore() {
    apply(work);
    for (int i = 1; i <= MOST_CALLS; i++) {
      CallGranted call = grant("ask-" + i, "worker-1");
      assertThat(call.callId()).isEqualTo("task-1/call." + i);
      apply(Samples.crashed(call));
    }

    assertThat(ask("ask-9", "worker-1"))
        .isEqualTo(new GrantAnswer.Exhausted("ask-9", MOST_CALLS, Spent.NOTHING));
  }

  @Test
  void aGrantSaysWhatWasSpentBeforeItByWhicheverWorker() {
    apply(work);
    apply(Samples.ended(grant("ask-1", "worker-1"), new Outcome.Overloaded("busy"), "0.25"));
    apply(Samples.ended(grant("ask-2", "worker-1"), new Outcome.Overloaded("busy"), "0.5"));

    assertThat(ask("ask-3", "worker-2"))
        .isEqualTo(
            new GrantAnswer.Granted(
                "ask-3",
                "task-1/call.3",
                Samples.START_WITHIN,
                new Spent(new BigDecimal("0.75"), new BigDecimal("0.75"))));
  }

  @Test
  void aCallThatWasCancelledWithItsWorkerDoesNotCount() {
    apply(work);
    for (int i = 1; i <= MOST_CALLS; i++) {
      var cancelled = new Outcome.Cancelled("the worker was stopped");
      apply(Samples.ended(grant("ask-" + i, "worker-1"), cancelled, "0"));
    }

    assertThat(ask("ask-9", "worker-1")).isEqualTo(granted("ask-9", MOST_CALLS + 1));
  }

  @Test
  void theNextTierBeginsToCountAnewButNumbersGoOn() {
    apply(work);
    for (int i = 1; i < MOST_CALLS; i++) {
      apply(Samples.crashed(grant("ask-" + i, "worker-1")));
    }
    RoutedTask next =
        Samples.fallenBack(work, "sonnet", Samples.crashed(grant("ask-3", "worker-1")));
    apply(next);

    Arbiter.Verdict verdict = arbiter.decide(Samples.request(next, "ask-4", "worker-2"));

    assertThat(verdict.answer()).isEqualTo(granted("ask-4", 4));
    CallGranted grant = Objects.requireNonNull(verdict.grant());
    assertThat(grant.reservedUsd()).isEqualByComparingTo("0.04");
  }

  @Test
  void aNewRequestAfterARetriedEndGetsANewCall() {
    apply(work);
    apply(Samples.crashed(grant("ask-1", "worker-1")));

    assertThat(ask("ask-2", "worker-1")).isEqualTo(granted("ask-2", 2));
  }

  @Test
  void aRequestRepeatedAfterItsCallEndedBeginsNoOtherCall() {
    apply(work);
    apply(Samples.crashed(grant("ask-1", "worker-1")));

    assertThat(arbiter.decide(Samples.request(work, "ask-1", "worker-1")).grant()).isNull();
  }

  @Test
  void aTierThatTheTaskHasLeftIsFinished() {
    apply(work);
    apply(Samples.fallenBack(work, "sonnet", Samples.crashed(grant("ask-1", "worker-1"))));

    Arbiter.Verdict verdict = arbiter.decide(Samples.request(work, "ask-2", "worker-2"));

    assertThat(verdict.answer()).isEqualTo(new GrantAnswer.Finished("ask-2", null));
    assertThat(verdict.endOf()).isNull();
  }

  @Test
  void aClassificationIsMadeOnce() {
    AcceptedTask task = Samples.accepted("task-1");
    Classification question = Samples.classification(task);
    apply(question);
    GrantRequest request = Samples.request(question, "ask-1", "worker-1");
    CallGranted call = grant(request);
    assertThat(call.purpose()).isEqualTo(Purpose.CLASSIFICATION);

    apply(Samples.answered(call, "0.001").carrying(task));

    assertThat(arbiter.decide(Samples.request(question, "ask-2", "worker-2")).answer())
        .isEqualTo(new GrantAnswer.Finished("ask-2", null));
    assertThat(arbiter.decide(Samples.request(work, "ask-3", "worker-2")).answer())
        .isEqualTo(
            new GrantAnswer.Granted(
                "ask-3",
                "task-1/call.2",
                Samples.START_WITHIN,
                new Spent(BigDecimal.ZERO, new BigDecimal("0.001"))));
  }

  @Test
  void aClassificationIsNotMadeForATaskThatWasRoutedWithoutIt() {
    Classification question = Samples.classification(Samples.accepted("task-1"));
    apply(question);
    apply(work);

    assertThat(arbiter.decide(Samples.request(question, "ask-1", "worker-1")).answer())
        .isEqualTo(new GrantAnswer.Finished("ask-1", null));
  }

  @Test
  void theEndOfATaskComesBeforeItsDeadline() {
    apply(work);
    apply(Samples.endedWithoutCall("task-1", TaskState.FAILED));
    now = NOON.plusSeconds(60);

    assertThat(arbiter.decide(due("ask-1", NOON)).answer())
        .isEqualTo(new GrantAnswer.Finished("ask-1", null));
  }

  @Test
  void anOpenCallComesBeforeTheDeadlineAndTheDeadlineBeforeTheCount() {
    apply(work);
    CallGranted call = grant("ask-1", "worker-1");
    now = NOON.plusSeconds(60);

    assertThat(arbiter.decide(due("ask-1", NOON)).answer()).isEqualTo(granted("ask-1", 1));
    assertThat(arbiter.decide(due("ask-8", NOON)).answer())
        .isEqualTo(new GrantAnswer.Running("ask-8", "worker-1"));
    apply(Samples.crashed(call));
    for (int i = 2; i <= MOST_CALLS; i++) {
      apply(Samples.crashed(grant("ask-" + i, "worker-1")));
    }
    assertThat(arbiter.decide(due("ask-9", NOON)).answer())
        .isEqualTo(new GrantAnswer.Expired("ask-9", Spent.NOTHING));
  }

  @Test
  void anUnknownTierReservesNothing() {
    RoutedTask gone = Samples.routed(Samples.accepted("task-1"), "retired");

    Arbiter.Verdict verdict = arbiter.decide(Samples.request(gone, "ask-1", "worker-1"));

    CallGranted grant = Objects.requireNonNull(verdict.grant());
    assertThat(grant.model()).isEqualTo("retired");
    assertThat(grant.reservedUsd()).isZero();
  }

  private GrantRequest due(String requestId, Instant deadline) {
    GrantRequest it = Samples.request(work, requestId, "worker-1");
    return new GrantRequest(
        it.requestId(),
        it.replyKey(),
        it.taskId(),
        it.purpose(),
        it.tier(),
        it.attempt(),
        it.waits(),
        it.tryNumber(),
        it.worker(),
        it.redelivered(),
        it.priority(),
        deadline,
        it.maxCostUsd(),
        it.labels(),
        it.promptPreview());
  }

  private GrantAnswer ask(String requestId, String worker) {
    return arbiter.decide(Samples.request(work, requestId, worker)).answer();
  }

  private CallGranted grant(String requestId, String worker) {
    return grant(Samples.request(work, requestId, worker));
  }

  private CallGranted grant(GrantRequest request) {
    CallGranted grant = Objects.requireNonNull(arbiter.decide(request).grant());
    apply(grant);
    return grant;
  }

  private void apply(Step step) {
    arbiter.apply(step.eventId(), step, new Span(0, 1), now);
  }

  private static GrantAnswer granted(String requestId, int number) {
    return new GrantAnswer.Granted(
        requestId, "task-1/call." + number, Samples.START_WITHIN, Spent.NOTHING);
  }
}
