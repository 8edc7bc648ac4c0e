package dev.symbiont.ledger.arbiter;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CancelRequested;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TriedTier;
import dev.symbiont.contract.WhenSpent;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.Span;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What stands between a task that may be called and a tier: its state, budgets, its rate.
class GateTest {

  private static final Instant RESET = NOON.plusSeconds(60);

  private Instant now = NOON;
  private long nanoTime;
  private Arbiter arbiter = arbiter(Arbiter.Memory.NONE);

  @Test
  void nobodyIsCalledWhileTheTierIsLimitedAndTheTaskLosesNothing() {
    limit("task-1");

    assertThat(ask("task-1", "ask-2"))
        .asInstanceOf(type(GrantAnswer.Closed.class))
        .satisfies(
            closed -> assertThat(closed.until()).isBetween(RESET, RESET.plusMillis(500)),
            closed -> assertThat(closed.reason()).isEqualTo("you have hit your limit"));
    assertThat(ask("task-2", "ask-3")).isInstanceOf(GrantAnswer.Closed.class);

    for (int i = 0; i < 10; i++) {
      now = RESET.plusSeconds(60L * i + 1);
      apply(Samples.limited(grant("task-1", "again-" + i), RESET.plusSeconds(60L * i + 60)));
    }
    now = now.plusSeconds(600);
    assertThat(ask("task-1", "ask-4")).isInstanceOf(GrantAnswer.Granted.class);
  }

  @Test
  void afterTheResetOneCallIsAProbeAndTheOthersWaitForIt() {
    limit("task-1");
    now = RESET.plusSeconds(1);

    CallGranted probe = grant("task-2", "ask-2");

    assertThat(probe.probe()).isTrue();
    assertThat(ask("task-3", "ask-3"))
        .asInstanceOf(type(GrantAnswer.Closed.class))
        .extracting(GrantAnswer.Closed::until)
        .isEqualTo(now.plusSeconds(15));

    apply(Samples.answered(probe, "0.01"));

    assertThat(grant("task-3", "ask-5").probe()).isFalse();
    assertThat(grant("task-4", "ask-4").opening()).isEqualTo(1);
  }

  @Test
  void theStateOfATierSurvivesInWhatIsRemembered() {
    limit("task-1");
    String written = Codec.mapper().writeValueAsString(arbiter.tiers().getFirst());
    TierRecord read = Codec.mapper().readValue(written, TierRecord.class);

    arbiter =
        arbiter(new Arbiter.Memory(List.of(), List.of(), List.of(read), List.of(), List.of()));

    assertThat(ask("task-2", "ask-2")).isInstanceOf(GrantAnswer.Closed.class);
  }

  @Test
  void anOperatorClosesAndOpensATier() {
    arbiter.apply(new TierSet("haiku", TierSet.Action.PAUSE, "q-1", now), now);
    assertThat(ask("task-1", "ask-1")).isInstanceOf(GrantAnswer.Closed.class);

    arbiter.apply(new TierSet("haiku", TierSet.Action.WAKE, "q-2", now), now);

    assertThat(ask("task-1", "ask-2")).isInstanceOf(GrantAnswer.Granted.class);
  }

  /// Its worker went by the first answer, so a grant for the copy would stay open for ever.
  @Test
  void aCopyOfARefusedQuestionIsRefusedThoughTheTierIsOpenNow() {
    arbiter.apply(new TierSet("haiku", TierSet.Action.PAUSE, "q-1", now), now);
    GrantAnswer first = ask("task-1", "ask-1");
    arbiter.apply(new TierSet("haiku", TierSet.Action.WAKE, "q-2", now), now);

    assertThat(ask("task-1", "ask-1")).isEqualTo(first).isInstanceOf(GrantAnswer.Closed.class);
  }

  @Test
  void theRateHoldsForTheWholeFleetAndForACallThatIsRepeated() {
    for (int i = 0; i < 600; i++) {
      grant("task-" + i, "ask-" + i);
    }

    assertThat(ask("task-600", "ask-600"))
        .asInstanceOf(type(GrantAnswer.NotBefore.class))
        .extracting(GrantAnswer.NotBefore::retryAfter)
        .isEqualTo(Duration.ofSeconds(61));
    assertThat(ask("task-599", "ask-599")).isInstanceOf(GrantAnswer.Granted.class);
  }

  @Test
  void theRateIsCountedByAClockThatNobodySets() {
    for (int i = 0; i < 600; i++) {
      grant("task-" + i, "ask-" + i);
    }
    now = NOON.plus(Duration.ofDays(1));
    assertThat(ask("task-600", "ask-600")).isInstanceOf(GrantAnswer.NotBefore.class);

    now = NOON.minus(Duration.ofDays(1));
    nanoTime += Duration.ofSeconds(61).toNanos();

    assertThat(ask("task-600", "ask-601")).isInstanceOf(GrantAnswer.Granted.class);
  }

  @Test
  void theNextLedgerWriterCountsTheCallsOfThisOne() {
    for (int i = 0; i < 600; i++) {
      grant("task-" + i, "ask-" + i);
    }
    List<TaskRecord> lately = arbiter.takeChanged();
    now = NOON.plusSeconds(20);

    arbiter = arbiter(new Arbiter.Memory(lately, lately, List.of(), List.of(), List.of()));

    assertThat(ask("task-600", "ask-600"))
        .asInstanceOf(type(GrantAnswer.NotBefore.class))
        .extracting(GrantAnswer.NotBefore::retryAfter)
        .isEqualTo(Duration.ofSeconds(41));
  }

  @Test
  void aBudgetIsReservedByTheGrantAndSettledByTheEnd() {
    arbiter = arbiter(Arbiter.Memory.NONE, budget(null, null, "0.02", WhenSpent.WAIT));
    CallGranted first = grant("task-1", "ask-1");
    CallGranted second = grant("task-2", "ask-2");

    assertThat(ask("task-3", "ask-3"))
        .asInstanceOf(type(GrantAnswer.OverBudget.class))
        .satisfies(
            over -> assertThat(over.whenSpent()).isEqualTo(WhenSpent.WAIT),
            over -> assertThat(over.until()).isEqualTo(Instant.parse("2026-03-02T00:00:00Z")),
            over -> assertThat(over.reason()).contains("fleet", "$0.02", "$0.016", "$0.008"));

    apply(Samples.answered(first, "0.001"));

    assertThat(ask("task-3", "ask-4")).isInstanceOf(GrantAnswer.Granted.class);
    assertThat(arbiter.spentToday().get("fleet")).isEqualByComparingTo("0.009");
    apply(Samples.answered(second, "0.008"));
    assertThat(arbiter.spentToday().get("tier:haiku")).isEqualByComparingTo("0.009");
  }

  @Test
  void aBudgetOfALabelIsOneForEachOfItsValues() {
    arbiter = arbiter(Arbiter.Memory.NONE, budget(null, "team", "0.01", WhenSpent.REFUSE));
    CallGranted call = grant(request(labelled("task-1", "red"), "ask-1"));
    assertThat(call.labels()).isEqualTo(Map.of("team", "red"));

    assertThat(arbiter.decide(request(labelled("task-2", "red"), "ask-2")).answer())
        .isInstanceOf(GrantAnswer.OverBudget.class);
    assertThat(arbiter.decide(request(labelled("task-3", "blue"), "ask-3")).answer())
        .isInstanceOf(GrantAnswer.Granted.class);
    assertThat(ask("task-4", "ask-4")).isInstanceOf(GrantAnswer.Granted.class);
  }

  @Test
  void aBudgetBeginsAnewWithTheDayAndSurvivesInWhatIsRemembered() {
    Budget budget = budget("haiku", null, "0.01", WhenSpent.WAIT);
    arbiter = arbiter(Arbiter.Memory.NONE, budget);
    grant("task-1", "ask-1");
    List<Sum> remembered = arbiter.takeSpending();

    arbiter =
        arbiter(new Arbiter.Memory(List.of(), List.of(), List.of(), remembered, List.of()), budget);

    assertThat(ask("task-2", "ask-2")).isInstanceOf(GrantAnswer.OverBudget.class);
    now = NOON.plus(Duration.ofHours(12));
    assertThat(ask("task-2", "ask-3")).isInstanceOf(GrantAnswer.Granted.class);
  }

  @Test
  void aTaskIsNotCalledWhereItCouldCostMoreThanItMay() {
    RoutedTask work = costingAtMost("task-1", "0.02");
    apply(work);
    apply(Samples.ended(grant(request(work, "ask-1")), new Outcome.Overloaded("busy"), "0.013"));

    GrantAnswer answer = arbiter.decide(request(work, "ask-2")).answer();

    assertThat(answer)
        .asInstanceOf(type(GrantAnswer.OverBudget.class))
        .satisfies(
            over -> assertThat(over.whenSpent()).isEqualTo(WhenSpent.REFUSE),
            over -> assertThat(over.until()).isNull(),
            over -> assertThat(over.reason()).contains("max_cost_usd", "$0.02", "$0.013"));
  }

  @Test
  void aTaskThatIsToStopIsNotCalledAgain() {
    RoutedTask work = Samples.routed("task-1");
    apply(work);
    CallGranted call = grant("task-1", "ask-1");
    apply(new CancelRequested("task-1", now));
    assertThat(arbiter.callsToStop()).extracting(CallRecord::callId).containsExactly(call.callId());

    apply(Samples.crashed(call));

    assertThat(arbiter.callsToStop()).isEmpty();
    assertThat(ask("task-1", "ask-2")).isEqualTo(new GrantAnswer.Cancelled("ask-2"));
  }

  @Test
  void aMessageFromBeforeATaskWaitedIsFinished() {
    RoutedTask work = Samples.routed("task-1");
    apply(work);
    var tried = new TriedTier("haiku", "closed", "limit", BigDecimal.ZERO, 0);
    RoutedTask waiting = work.waitFor("haiku", RESET, "limit", tried, null);
    apply(waiting);

    assertThat(arbiter.decide(request(work, "ask-1")).answer())
        .isEqualTo(new GrantAnswer.Finished("ask-1", null));
    assertThat(arbiter.decide(request(waiting, "ask-2")).answer())
        .isEqualTo(
            new GrantAnswer.Granted("ask-2", "task-1/call.1", Samples.START_WITHIN, Spent.NOTHING));
  }

  private Arbiter arbiter(Arbiter.Memory memory, Budget... budgets) {
    return new Arbiter(
        Samples.TIERS,
        () -> now,
        () -> nanoTime,
        Samples.rules(5, budgets),
        memory,
        _ -> Optional.empty());
  }

  private static Budget budget(
      @Nullable String tier, @Nullable String label, String usd, WhenSpent whenSpent) {
    return new Budget(tier, label, null, new BigDecimal(usd), whenSpent);
  }

  private void limit(String id) {
    apply(Samples.limited(grant(id, "limits"), RESET));
  }

  private GrantAnswer ask(String id, String requestId) {
    return arbiter.decide(request(Samples.routed(id), requestId)).answer();
  }

  private CallGranted grant(String id, String requestId) {
    return grant(request(Samples.routed(id), requestId));
  }

  private CallGranted grant(GrantRequest request) {
    CallGranted grant = Objects.requireNonNull(arbiter.decide(request).grant());
    apply(grant);
    return grant;
  }

  private static GrantRequest request(RoutedTask work, String requestId) {
    return Samples.request(work, requestId, "worker-1");
  }

  private static RoutedTask labelled(String id, String team) {
    return with(id, null, Map.of("team", team, "other", "thing"));
  }

  private static RoutedTask costingAtMost(String id, String usd) {
    return with(id, new BigDecimal(usd), Map.of());
  }

  private static RoutedTask with(String id, @Nullable BigDecimal most, Map<String, String> labels) {
    var task =
        new Task(
            id,
            "prompt",
            null,
            null,
            null,
            Priority.NORMAL,
            null,
            null,
            most,
            null,
            null,
            null,
            labels,
            null);
    return Samples.routed(new AcceptedTask(task, NOON, Reply.NONE, false), "haiku");
  }

  private void apply(Step step) {
    arbiter.apply(step.eventId(), step, new Span(0, 1), now);
  }
}
