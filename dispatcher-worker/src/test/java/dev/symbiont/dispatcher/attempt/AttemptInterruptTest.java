package dev.symbiont.dispatcher.attempt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Tiers;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.FakeLedger;
import dev.symbiont.dispatcher.FakeProvider;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A worker that has to stop interrupts the threads that work on tasks.
class AttemptInterruptTest {

  private static final Duration SOON = Duration.ofSeconds(5);

  private final FakeLedger ledger = new FakeLedger();
  private final FakeProvider provider = new FakeProvider();
  private final RoutedTask task =
      Examples.routed(Examples.task("task-1", "Say hello", Priority.NORMAL), "haiku");

  @TempDir Path folder;
  private Attempt.Surroundings around;
  private Attempt attempt;
  private FutureTask<Next> running;
  private Thread thread;

  @BeforeEach
  void prepare() {
    Tiers tiers = Examples.threeTiers();
    around = Examples.around(folder, InstantSource.system(), 3);
    attempt = new Attempt(tiers.cheapest(), tiers, provider, ledger, around);
    running = new FutureTask<>(() -> attempt.run(task, false));
    thread = Thread.ofPlatform().unstarted(running);
  }

  @Test
  void aGrantThatComesAfterTheInterruptIsGivenBackAsACancelledCall() {
    var answer = new CompletableFuture<GrantAnswer>();
    ledger.answerLater(_ -> answer);
    thread.start();
    await().atMost(SOON).until(() -> ledger.requests().size() == 1);

    thread.interrupt();
    await().atMost(SOON).until(() -> !thread.isInterrupted());
    answer.complete(FakeLedger.grant(ledger.requests().getFirst()));

    assertThatThrownBy(this::next).hasCauseInstanceOf(InterruptedException.class);
    assertThat(provider.calls()).isEmpty();
    assertThat(ledger.requests()).hasSize(1);
    assertThat(ledger.recorded())
        .singleElement()
        .satisfies(
            call -> {
              assertThat(call.callId()).isEqualTo("task-1/haiku.1.1");
              assertThat(call.outcome()).isInstanceOf(Outcome.Cancelled.class);
              assertThat(call.usage().costUsd()).isEqualTo(BigDecimal.ZERO);
            });
  }

  @Test
  void aRefusalThatComesAfterTheInterruptIsNoCall() {
    var answer = new CompletableFuture<GrantAnswer>();
    ledger.answerLater(_ -> answer);
    thread.start();
    await().atMost(SOON).until(() -> ledger.requests().size() == 1);

    thread.interrupt();
    await().atMost(SOON).until(() -> !thread.isInterrupted());
    answer.complete(new GrantAnswer.Cancelled("ask-1"));

    assertThatThrownBy(this::next).hasCauseInstanceOf(InterruptedException.class);
    assertThat(ledger.recorded()).isEmpty();
  }

  @Test
  void aLedgerThatDoesNotAnswerHoldsNobodyUp() {
    ledger.answerLater(_ -> new CompletableFuture<>());
    thread.start();
    await().atMost(SOON).until(() -> ledger.requests().size() == 1);

    thread.interrupt();

    assertThatThrownBy(this::next).hasCauseInstanceOf(InterruptedException.class);
    assertThat(ledger.recorded()).isEmpty();
    assertThat(ledger.requests()).hasSize(1);
  }

  @Test
  void aCallThatIsInterruptedIsRecordedAndItsTaskPutBack() throws Exception {
    provider.thenHangs();
    thread.start();
    await().atMost(SOON).until(() -> around.running().isCalling(thread));

    thread.interrupt();

    assertThat(next()).isEqualTo(new Next.PutBack());
    assertThat(ledger.recorded())
        .singleElement()
        .extracting(CallEnded::outcome)
        .isInstanceOf(Outcome.Cancelled.class);
    assertThat(around.running().ids()).isEmpty();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aTaskIsPutBackOnlyWhenTheEndOfItsCallIsCertain() throws Exception {
    var certain = new CompletableFuture<Void>();
    ledger.recordWhen(certain);
    provider.thenHangs();
    thread.start();
    await().atMost(SOON).until(() -> around.running().isCalling(thread));

    thread.interrupt();
    await().atMost(SOON).until(() -> ledger.recorded().size() == 1);
    assertThat(running.isDone()).isFalse();
    certain.complete(null);

    assertThat(next()).isEqualTo(new Next.PutBack());
  }

  @Test
  void theCallsBeingMadeAreKnownByTheirIds() throws Exception {
    provider.thenHangs();
    thread.start();

    await().atMost(SOON).until(() -> around.running().ids().contains("task-1/haiku.1.1"));

    thread.interrupt();
    assertThat(next()).isEqualTo(new Next.PutBack());
  }

  @Test
  void aCallThatNobodyWantsIsEndedAndRecordedAndTheThreadGoesOn() throws Exception {
    var interrupted = new AtomicBoolean(true);
    running =
        new FutureTask<>(
            () -> {
              Next next = attempt.run(task, false);
              interrupted.set(Thread.currentThread().isInterrupted());
              return next;
            });
    thread = Thread.ofPlatform().unstarted(running);
    provider.thenHangs();
    thread.start();
    await().atMost(SOON).until(() -> around.running().isCalling(thread));

    around.running().stop("another/call.1");
    around.running().stop("task-1/haiku.1.1");
    around.running().stop("task-1/haiku.1.1");

    assertThat(next()).isEqualTo(new Next.Nothing());
    assertThat(interrupted).isFalse();
    assertThat(ledger.recorded())
        .singleElement()
        .extracting(CallEnded::outcome)
        .isInstanceOf(Outcome.Cancelled.class);
    assertThat(around.running().ids()).isEmpty();
  }

  @Test
  void anAnswerThatComesBeforeTheStopIsKept() throws Exception {
    provider.thenDoes(
        _ -> {
          around.running().stop("task-1/haiku.1.1");
          return FakeProvider.ending(new Outcome.Answered("42", null, false), FakeProvider.CENT);
        });

    thread.start();

    assertThat(next()).isInstanceOf(Next.Ended.class);
  }

  private Next next() throws Exception {
    try {
      return running.get(SOON.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }
}
