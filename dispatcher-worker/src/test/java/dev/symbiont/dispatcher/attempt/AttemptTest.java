package dev.symbiont.dispatcher.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.TriedTier;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.FakeLedger;
import dev.symbiont.dispatcher.FakeProvider;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AttemptTest {

  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final int MAX_TRIES = 3;
  private static final BigDecimal CENT = FakeProvider.CENT;
  private static final Outcome OVERLOADED = new Outcome.Overloaded("busy");
  private static final Outcome LIMITED = new Outcome.Limited(null, "unknown", "not now");

  private final Tiers tiers = Examples.threeTiers();
  private final FakeLedger ledger = new FakeLedger();
  private final FakeProvider provider = new FakeProvider();
  private final RoutedTask task =
      Examples.routed(Examples.task("task-1", "Say hello", Priority.NORMAL), "haiku");

  @TempDir Path folder;

  @Test
  void aGrantLeadsToACallAndItsAnswerEndsTheTask() throws InterruptedException {
    Next next = attempt("haiku").run(task, false);

    TaskEnded end = ended(next);
    assertThat(end.state()).isEqualTo(TaskState.SUCCEEDED);
    assertThat(end.reason()).isEmpty();
    assertThat(end.tried()).isEmpty();
    assertThat(end.totalCostUsd()).isEqualTo(Examples.DECIDING.add(CENT));
    assertThat(Objects.requireNonNull(end.call()).callId()).isEqualTo("task-1/haiku.1.1");
    assertThat(end.result().result()).isEqualTo("the answer");
    assertThat(ledger.recorded()).isEmpty();
    assertThat(ledger.requests())
        .containsExactly(
            new GrantRequest(
                "ask-1",
                "reply.worker-1",
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
                "Say hello"));
  }

  @Test
  void aCallHasAFolderOfItsOwnThatIsGoneAfterwards() throws InterruptedException {
    provider.thenDoes(
        call -> {
          assertThat(call.folder().get()).isEmptyDirectory().hasParent(folder);
          write(call.folder().get().resolve("left-over"));
          return FakeProvider.ending(OVERLOADED, CENT);
        });

    var _ = attempt("haiku").run(task, false);

    assertThat(provider.calls()).hasSize(2);
    assertThat(provider.calls()).extracting("folder").doesNotHaveDuplicates();
    assertThat(folder).isEmptyDirectory();
  }

  static Stream<Function<GrantRequest, GrantAnswer>> answersThatLeaveNothingToDo() {
    return Stream.of(
        it -> new GrantAnswer.Finished(it.requestId(), null),
        it -> new GrantAnswer.Running(it.requestId(), "worker-2"),
        it -> new GrantAnswer.Cancelled(it.requestId()));
  }

  @ParameterizedTest
  @MethodSource("answersThatLeaveNothingToDo")
  void withoutAGrantThereIsNoCall(Function<GrantRequest, GrantAnswer> answer)
      throws InterruptedException {
    ledger.answerNext(answer);

    Next next = attempt("haiku").run(task, false);

    assertThat(next).isEqualTo(new Next.Nothing());
    assertThat(provider.calls()).isEmpty();
    assertThat(ledger.recorded()).isEmpty();
  }

  @Test
  void aTaskThatEndedBeforeHasItsEndSentOn() throws InterruptedException {
    TaskEnded before = ended(attempt("haiku").run(task, false));
    ledger.answerNext(it -> new GrantAnswer.Finished(it.requestId(), before));

    Next next = attempt("haiku").run(task, true);

    assertThat(next).isEqualTo(new Next.EndedBefore(before));
    assertThat(provider.calls()).hasSize(1);
  }

  @Test
  void aRedeliveredTaskIsKeptWhileAnotherWorkerMakesItsCall() throws InterruptedException {
    ledger.answerNext(it -> new GrantAnswer.Running(it.requestId(), "worker-2"));

    assertThat(attempt("haiku").run(task, true))
        .isEqualTo(new Next.AskAgain(Duration.ofSeconds(1), false));

    assertThat(provider.calls()).isEmpty();
  }

  @Test
  void aTaskPastItsDeadlineExpires() throws InterruptedException {
    ledger.answerNext(
        it ->
            new GrantAnswer.Expired(it.requestId(), new Spent(BigDecimal.ZERO, Examples.DECIDING)));

    TaskEnded end = ended(attempt("haiku").run(task, false));

    assertThat(end.state()).isEqualTo(TaskState.EXPIRED);
    assertThat(end.reason()).isEqualTo("the deadline passed before the call");
    assertThat(end.totalCostUsd()).isEqualTo(Examples.DECIDING);
    assertThat(provider.calls()).isEmpty();
  }

  @Test
  void aTaskWhoseCallsNeverEndIsSetAside() throws InterruptedException {
    ledger.answerNext(
        it ->
            new GrantAnswer.Exhausted(
                it.requestId(), 5, new Spent(BigDecimal.ZERO, Examples.DECIDING)));

    TaskEnded end = ended(attempt("haiku").run(task, false));

    assertThat(end.state()).isEqualTo(TaskState.SET_ASIDE);
    assertThat(end.reason()).isEqualTo("5 calls to haiku began and none brought an answer");
    assertThat(provider.calls()).isEmpty();
  }

  static Stream<Outcome> transientOutcomes() {
    return Stream.of(
        OVERLOADED, new Outcome.Crashed(9, "gone"), new Outcome.Unreadable("gibberish"));
  }

  @ParameterizedTest
  @MethodSource("transientOutcomes")
  void aTransientFailureIsTriedAgainWithAGrantOfItsOwn(Outcome outcome)
      throws InterruptedException {
    provider.thenEnds(outcome).thenEnds(outcome);

    Next next = attempt("haiku").run(task, false);

    assertThat(ended(next).state()).isEqualTo(TaskState.SUCCEEDED);
    assertThat(ledger.requests()).extracting(GrantRequest::tryNumber).containsExactly(1, 2, 3);
    assertThat(ledger.recorded())
        .extracting(CallEnded::callId)
        .containsExactly("task-1/haiku.1.1", "task-1/haiku.1.2");
  }

  @Test
  void everyEndButTheLastIsRecordedAndTheLastTravelsWithTheTask() throws InterruptedException {
    provider.thenEnds(OVERLOADED).thenEnds(OVERLOADED).thenEnds(OVERLOADED, CENT);

    Next next = attempt("haiku").run(task, false);

    RoutedTask onward = fallsBack(next);
    assertThat(onward.tier()).isEqualTo("sonnet");
    assertThat(onward.attempt()).isEqualTo(2);
    assertThat(onward.tried())
        .containsExactly(new TriedTier("haiku", "overloaded", "busy", CENT, 0));
    assertThat(Objects.requireNonNull(onward.endedCall()).callId()).isEqualTo("task-1/haiku.1.3");
    assertThat(provider.calls()).hasSize(MAX_TRIES);
    assertThat(ledger.recorded())
        .extracting(CallEnded::callId)
        .containsExactly("task-1/haiku.1.1", "task-1/haiku.1.2");
  }

  @Test
  void theTotalHoldsWhatEveryTryCost() throws InterruptedException {
    provider.thenEnds(new Outcome.Unreadable("gibberish"), CENT);

    TaskEnded end = ended(attempt("haiku").run(task, false));

    assertThat(end.totalCostUsd()).isEqualTo(Examples.DECIDING.add(CENT).add(CENT));
  }

  @Test
  void aLimitIsNotTriedAgainButFallsBack() throws InterruptedException {
    provider.thenEnds(LIMITED);

    Next next = attempt("haiku").run(task, false);

    assertThat(fallsBack(next).tier()).isEqualTo("sonnet");
    assertThat(provider.calls()).hasSize(1);
    assertThat(ledger.recorded()).isEmpty();
  }

  @Test
  void aTaskFallsBackTierByTierAndIsThenSetAsideWithItsHistoryAndCost()
      throws InterruptedException {
    var first = new BigDecimal("0.000303999");
    var second = new BigDecimal("0.1");
    var third = new BigDecimal("0.20000000000000001");
    provider.thenEnds(LIMITED, first).thenEnds(LIMITED, second).thenEnds(OVERLOADED, third);

    RoutedTask atSonnet = fallsBack(attempt("haiku").run(task, false));
    ledger.hasCost(Examples.DECIDING.add(first));
    RoutedTask atOpus = fallsBack(attempt("sonnet").run(atSonnet, false));
    ledger.hasCost(Examples.DECIDING.add(first).add(second));
    provider.thenEnds(OVERLOADED).thenEnds(OVERLOADED);
    TaskEnded end = ended(attempt("opus").run(atOpus, false));

    assertThat(end.state()).isEqualTo(TaskState.SET_ASIDE);
    assertThat(end.reason())
        .isEqualTo("no tier brought an answer; tried haiku, sonnet, opus; the last said: busy");
    assertThat(end.tried()).extracting(TriedTier::tier).containsExactly("haiku", "sonnet", "opus");
    assertThat(end.totalCostUsd())
        .isEqualByComparingTo(Examples.DECIDING.add(first).add(second).add(third));
  }

  @Test
  void aTaskForWhichEveryTierIsLimitedWaitsAndKeepsItsHistory() throws InterruptedException {
    provider.thenEnds(LIMITED).thenEnds(LIMITED).thenEnds(LIMITED);

    RoutedTask atSonnet = fallsBack(attempt("haiku").run(task, false));
    RoutedTask atOpus = fallsBack(attempt("sonnet").run(atSonnet, false));
    Next next = attempt("opus").run(atOpus, false);

    assertThat(next).isInstanceOf(Next.Waits.class);
    RoutedTask waiting = ((Next.Waits) next).task();
    assertThat(waiting.tier()).isEqualTo("opus");
    assertThat(waiting.attempt()).isEqualTo(3);
    assertThat(waiting.waits()).isEqualTo(1);
    assertThat(waiting.waitsFor()).isEqualTo("not now");
    assertThat(waiting.tried())
        .extracting(TriedTier::tier)
        .containsExactly("haiku", "sonnet", "opus");
    assertThat(waiting.triedSinceWaiting()).isEmpty();
    assertThat(Objects.requireNonNull(waiting.endedCall()).outcome()).isEqualTo(LIMITED);
  }

  @Test
  void aTaskThatMayNotFallBackWaitsForItsTier() throws InterruptedException {
    provider.thenEnds(LIMITED);

    Next next = attempt("haiku").run(stubborn(), false);

    assertThat(next)
        .isInstanceOfSatisfying(
            Next.Waits.class, it -> assertThat(it.task().tier()).isEqualTo("haiku"));
  }

  @Test
  void aTaskThatMayNotFallBackIsSetAsideWhenItsTierCannotAnswer() throws InterruptedException {
    provider.thenEnds(OVERLOADED).thenEnds(OVERLOADED).thenEnds(OVERLOADED);

    TaskEnded end = ended(attempt("haiku").run(stubborn(), false));

    assertThat(end.state()).isEqualTo(TaskState.SET_ASIDE);
    assertThat(end.reason()).contains("tried haiku;");
  }

  @Test
  void aCallThatCouldNotBeginInTimeIsGivenBackAndAskedForAnew() throws InterruptedException {
    ledger.answerNext(
        it ->
            new GrantAnswer.Granted(
                it.requestId(), FakeLedger.callId(it), Duration.ZERO, Spent.NOTHING));

    Next next = attempt("haiku").run(task, false);

    assertThat(next).isEqualTo(new Next.AskAgain(Duration.ZERO, true));
    assertThat(provider.calls()).isEmpty();
    assertThat(ledger.recorded())
        .singleElement()
        .satisfies(
            it -> assertThat(it.outcome()).isInstanceOf(Outcome.Cancelled.class),
            it -> assertThat(it.usage().costUsd()).isZero());
  }

  static Stream<Outcome> finalOutcomes() {
    return Stream.of(
        new Outcome.TimedOut("too slow"),
        new Outcome.Refused(Refusal.BAD_REQUEST, "no"),
        new Outcome.Unknown("nobody knows"));
  }

  @ParameterizedTest
  @MethodSource("finalOutcomes")
  void whatNoOtherTierCouldDoBetterFailsTheTask(Outcome outcome) throws InterruptedException {
    provider.thenEnds(outcome, CENT);

    TaskEnded end = ended(attempt("haiku").run(task, false));

    assertThat(end.state()).isEqualTo(TaskState.FAILED);
    assertThat(end.reason()).isEqualTo(outcome.message());
    assertThat(end.totalCostUsd()).isEqualTo(Examples.DECIDING.add(CENT));
    assertThat(provider.calls()).hasSize(1);
  }

  static Stream<Outcome> endsOfAClassification() {
    return Stream.of(
        new Outcome.Answered("x", null, false), LIMITED, new Outcome.TimedOut("too slow"));
  }

  @ParameterizedTest
  @MethodSource("endsOfAClassification")
  void aClassificationCarriesItsTaskBackHoweverItEnded(Outcome outcome)
      throws InterruptedException {
    provider.thenEnds(outcome, CENT);
    AcceptedTask accepted = task.accepted();
    var schema = Codec.mapper().createObjectNode();

    Next next =
        attempt("haiku")
            .run(
                new Classification(accepted, "haiku", "which tier?", "decide", schema, null),
                false);

    assertThat(next)
        .isInstanceOfSatisfying(
            Next.Classified.class,
            it -> {
              assertThat(it.call().accepted()).isEqualTo(accepted);
              assertThat(it.call().outcome()).isEqualTo(outcome);
              assertThat(it.call().purpose()).isEqualTo(Purpose.CLASSIFICATION);
            });
    assertThat(provider.calls()).singleElement().extracting("system").isEqualTo("decide");
  }

  @Test
  void aDeadlineShortensTheCall() throws InterruptedException {
    var _ = attempt("haiku").run(withDeadline(NOW.plusSeconds(5)), false);
    var _ = attempt("haiku").run(withDeadline(NOW.plusSeconds(5000)), false);

    assertThat(provider.calls())
        .extracting("timeout")
        .containsExactly(Duration.ofSeconds(5), Duration.ofSeconds(30));
  }

  @Test
  void aTaskCanAllowItsCallsLessTimeThanItsTier() throws InterruptedException {
    var _ = attempt("haiku").run(bounded(NOW.plusSeconds(5), 3), false);
    var _ = attempt("haiku").run(bounded(null, 3000), false);

    assertThat(provider.calls())
        .extracting("timeout")
        .containsExactly(Duration.ofSeconds(3), Duration.ofSeconds(30));
  }

  @Test
  void aProviderThatThrowsHasCrashed() throws InterruptedException {
    provider.thenDoes(
        _ -> {
          throw new IllegalArgumentException("a bug");
        });

    Next next = attempt("haiku").run(task, false);

    assertThat(ended(next).state()).isEqualTo(TaskState.SUCCEEDED);
    assertThat(ledger.recorded())
        .singleElement()
        .satisfies(
            call -> {
              assertThat(call.outcome()).isInstanceOf(Outcome.Crashed.class);
              assertThat(call.outcome().message()).contains("a bug");
              assertThat(call.usage().costUsd()).isEqualTo(Examples.RESERVED);
            });
  }

  @Test
  void aCallThatCannotBeMadeHasAnEndAllTheSame() throws Exception {
    Path gone = folder.resolve("gone");
    var attempt = attempt("haiku", gone);
    for (int i = 0; i < 3; i++) {
      provider.thenDoes(call -> FakeProvider.ending(answerOf(call.folder().get()), CENT));
    }

    Next next = attempt.run(task, false);

    assertThat(ledger.recorded())
        .isNotEmpty()
        .allSatisfy(
            call -> {
              assertThat(call.outcome().message()).contains("no working directory");
              assertThat(call.usage().costUsd()).isZero();
            });
    assertThat(next).isInstanceOf(Next.FallsBack.class);
  }

  private static Outcome answerOf(Path workedIn) {
    return new Outcome.Answered("in " + workedIn, null, false);
  }

  private Attempt attempt(String tier) {
    return attempt(tier, folder);
  }

  private Attempt attempt(String tier, Path work) {
    return new Attempt(
        tiers.require(tier, "test"),
        tiers,
        provider,
        ledger,
        Examples.around(work, InstantSource.fixed(NOW), MAX_TRIES));
  }

  private static RoutedTask withDeadline(Instant deadline) {
    return bounded(deadline, null);
  }

  private static RoutedTask bounded(@Nullable Instant deadline, @Nullable Integer timeoutSeconds) {
    return Examples.routed(
        new Task(
            "task-1",
            "hi",
            null,
            null,
            null,
            Priority.NORMAL,
            deadline,
            timeoutSeconds,
            null,
            null,
            null,
            null,
            Map.of(),
            null),
        "haiku");
  }

  private static RoutedTask stubborn() {
    return Examples.routed(
        new Task(
            "task-1",
            "hi",
            "haiku",
            false,
            null,
            Priority.NORMAL,
            null,
            null,
            null,
            null,
            null,
            null,
            Map.of(),
            null),
        "haiku");
  }

  private static TaskEnded ended(Next next) {
    assertThat(next).isInstanceOf(Next.Ended.class);
    return ((Next.Ended) next).end();
  }

  private static RoutedTask fallsBack(Next next) {
    assertThat(next).isInstanceOf(Next.FallsBack.class);
    return ((Next.FallsBack) next).task();
  }

  private static void write(Path file) {
    try {
      Files.writeString(file, "x");
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
