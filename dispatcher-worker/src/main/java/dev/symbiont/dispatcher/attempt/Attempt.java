package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import dev.symbiont.dispatcher.provider.Provider;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import io.opentelemetry.api.trace.Tracer;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tries to have a piece of work answered at one tier: asks for a grant, makes the call, repeats it
/// while that may help, and says what follows. One instance per tier and worker, used by many
/// threads.
///
/// Every call has a grant of its own, which is on disk before the call begins, and an end that is
/// told before anything is built on it. Dying at any point therefore leaves either no trace or a
/// call without an end, which the ledger sees and shows.
public final class Attempt {

  private static final Logger log = LoggerFactory.getLogger(Attempt.class);

  /// What the tier's rate allows in this time may be asked for at once. If that is less than one
  /// call, the ledger says when to come again.
  private static final Duration RHYTHM = Duration.ofSeconds(1);

  private static final Duration LIMITER_PATIENCE = Duration.ofMinutes(1);
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(2);
  private static final Duration RECORD_PATIENCE = Duration.ofSeconds(10);

  private final Tier tier;
  private final Sequel sequel;
  private final Provider provider;
  private final Ledger ledger;
  private final String worker;
  private final WorkFolder folders;
  private final InstantSource clock;
  private final int maxTries;
  private final RateLimiter limiter;
  private final Retry retry;
  private final RunningCalls running;
  private final Spans spans;

  /// How often and how fast transient failures are tried again.
  public record Patience(int maxTries, Duration firstWait) {}

  /// What the attempts at all tiers of a worker share.
  public record Surroundings(
      String worker,
      WorkFolder folders,
      RunningCalls running,
      TierBoard board,
      InstantSource clock,
      Patience patience,
      Tracer tracer) {}

  /// What one pass through grant and call came to.
  private sealed interface Tried {

    record Called(CallEnded call, Spent spent) implements Tried {}

    /// Nobody wanted it any more.
    record Stopped() implements Tried {}

    record NotGranted(GrantAnswer answer) implements Tried {}
  }

  public Attempt(Tier tier, Tiers tiers, Provider provider, Ledger ledger, Surroundings around) {
    this.tier = tier;
    this.sequel = new Sequel(tier, tiers, around.board, around.clock);
    this.provider = provider;
    this.ledger = ledger;
    this.worker = around.worker;
    this.folders = around.folders;
    this.clock = around.clock;
    this.running = around.running;
    this.spans = new Spans(around.tracer, tier);
    this.maxTries = around.patience.maxTries();
    this.limiter = limiter(tier);
    this.retry =
        Retry.of(
            tier.name(),
            RetryConfig.<Tried>custom()
                .maxAttempts(maxTries)
                .intervalFunction(
                    IntervalFunction.ofExponentialRandomBackoff(around.patience.firstWait()))
                .retryOnResult(
                    it ->
                        it instanceof Tried.Called(CallEnded call, _)
                            && call.outcome().isTransient())
                // Otherwise every exception is a reason to try again, an interrupt included.
                .retryOnException(_ -> false)
                .build());
  }

  public Tier tier() {
    return tier;
  }

  /// How many may ask at once now, of this worker's share of the rate; below zero if some wait.
  public int freePermissions() {
    return limiter.getMetrics().getAvailablePermissions();
  }

  /// Waits until this worker may ask for a call: no faster than the tier's rate, so that it seldom
  /// asks in vain.
  public void pace() throws InterruptedException {
    while (!limiter.acquirePermission()) {
      if (Thread.interrupted()) {
        throw new InterruptedException("stopped while paced");
      }
    }
  }

  /// Works on it until it is clear what follows.
  ///
  /// @param redelivered the broker had given this work to somebody before
  public Next run(Work work, boolean redelivered) throws InterruptedException {
    var tries = new AtomicInteger();
    Tried tried;
    try {
      tried = retry.executeCallable(() -> tryOnce(work, redelivered, tries.incrementAndGet()));
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("task " + work.taskId() + " at " + tier.name(), e);
    }
    return switch (tried) {
      case Tried.NotGranted(GrantAnswer answer) -> sequel.withoutGrant(work, answer, redelivered);
      case Tried.Called(CallEnded call, Spent spent) -> sequel.after(work, call, spent);
      case Tried.Stopped _ -> new Next.Nothing();
    };
  }

  private Tried tryOnce(Work work, boolean redelivered, int tryNumber) throws Exception {
    long asked = System.nanoTime();
    GrantRequest request = request(work, redelivered, tryNumber);
    GrantAnswer answer = spans.asking(() -> await(request));
    if (!(answer
        instanceof GrantAnswer.Granted(_, String callId, Duration startWithin, Spent spent))) {
      return new Tried.NotGranted(answer);
    }
    if (startWithin != null && System.nanoTime() - asked > startWithin.toNanos()) {
      // The tier's rate is counted from grants: a call much later than its own would exceed it.
      ledger.record(neverMade(request, callId, "the grant came too late")).get();
      return new Tried.NotGranted(
          new GrantAnswer.NotBefore(answer.requestId(), Duration.ZERO, spent));
    }
    running.begin(callId);
    CallEnded call;
    boolean stopped;
    try {
      call = spans.calling(work, callId, () -> call(work, callId));
    } finally {
      stopped = running.end(callId);
    }
    boolean goesOn = call.outcome().isTransient() && tryNumber < maxTries;
    boolean isOver = stopped && !call.succeeded();
    if (goesOn || isOver) {
      ledger.record(call).get();
    } else if (call.outcome() instanceof Outcome.Cancelled) {
      recordBeforeStopping(call);
    }
    return isOver ? new Tried.Stopped() : new Tried.Called(call, spent);
  }

  /// The thread is interrupted, so only a wait that no interrupt ends is one.
  private void recordBeforeStopping(CallEnded call) {
    ledger
        .record(call)
        .copy()
        .completeOnTimeout(null, RECORD_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .join();
  }

  private GrantRequest request(Work work, boolean redelivered, int tryNumber) {
    Task task = work.accepted().task();
    return new GrantRequest(
        ledger.nextRequestId(),
        Topology.replyKey(worker),
        work.taskId(),
        work.purpose(),
        tier.name(),
        work.attempt(),
        work.waits(),
        tryNumber,
        worker,
        redelivered,
        task.priority(),
        work.deadline(),
        task.maxCostUsd(),
        task.labels(),
        CallEnded.preview(work.prompt()));
  }

  /// A worker that has to stop while it waits must not leave a granted call behind that it never
  /// makes.
  private GrantAnswer await(GrantRequest request) throws InterruptedException, ExecutionException {
    CompletableFuture<GrantAnswer> answer = ledger.ask(request);
    try {
      return answer.get();
    } catch (InterruptedException e) {
      answer
          .orTimeout(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
          .exceptionally(_ -> new GrantAnswer.Cancelled(request.requestId()))
          .thenCompose(
              late ->
                  late instanceof GrantAnswer.Granted(_, String callId, _, _)
                      ? ledger.record(
                          neverMade(request, callId, "the worker was stopped before the call"))
                      : CompletableFuture.completedFuture(null))
          .join();
      throw e;
    }
  }

  private CallEnded neverMade(GrantRequest request, String callId, String why) {
    return CallEnded.neverMade(request, callId, tier.model(), clock.instant(), why);
  }

  private CallEnded call(Work work, String callId) {
    long start = System.nanoTime();
    Ending ending;
    WorkFolder.Private folder = folders.make();
    try (folder) {
      var call =
          new Call(
              callId,
              tier,
              work.purpose(),
              work.prompt(),
              work.system(),
              work.jsonSchema(),
              isolation(work),
              folder,
              timeout(work),
              listener(work, callId));
      ending = provider.make(call);
    } catch (RuntimeException e) {
      // Its beginning is on disk, so it gets an end.
      log.error("call {} failed in the worker itself", callId, e);
      var reserved = new Usage(0, 0, 0, 0, tier.typicalCostUsd(), CostBasis.UNKNOWN, null);
      var outcome = new Outcome.Crashed(-1, "the worker failed: " + e);
      ending = new Ending(outcome, folder.failed() ? Usage.NONE : reserved, false);
    }
    var elapsed = Duration.ofNanos(System.nanoTime() - start);
    log.info(
        "call {} ended: {} after {} ms {}",
        callId,
        ending.outcome().kind(),
        elapsed.toMillis(),
        ending.outcome().message());
    return ended(work, callId, elapsed, ending);
  }

  /// What a classification says is the fleet's own business, and JSON does not come as text.
  private Consumer<String> listener(Work work, String callId) {
    return work.purpose() == Purpose.TASK && work.jsonSchema() == null
        ? new Telling(work.taskId(), callId, tier.model(), ledger::tell, System::nanoTime)::more
        : _ -> {};
  }

  private CallEnded ended(Work work, String callId, Duration elapsed, Ending ending) {
    return new CallEnded(
        callId,
        work.taskId(),
        work.purpose(),
        tier.name(),
        tier.model(),
        work.attempt(),
        worker,
        clock.instant(),
        BigDecimal.valueOf(elapsed.toMillis(), 3),
        ending.outcome(),
        ending.usage(),
        ending.simulated(),
        CallEnded.preview(work.prompt()),
        ending.warning(),
        null);
  }

  private Isolation isolation(Work work) {
    return Objects.requireNonNullElse(work.accepted().task().isolation(), tier.isolation());
  }

  /// The shortest of what the tier, the task and its deadline allow.
  private Duration timeout(Work work) {
    Instant deadline = work.deadline();
    Integer seconds = work.accepted().task().timeoutSeconds();
    return Stream.of(
            tier.timeout(),
            deadline == null ? tier.timeout() : Duration.between(clock.instant(), deadline),
            seconds == null ? tier.timeout() : Duration.ofSeconds(seconds))
        .min(Comparator.naturalOrder())
        .orElseThrow();
  }

  private static RateLimiter limiter(Tier tier) {
    double periods = (double) RHYTHM.toNanos() / tier.rate().period().toNanos();
    int share = (int) Math.max(1, Math.ceil(tier.rate().calls() * periods));
    return RateLimiter.of(
        tier.name(),
        RateLimiterConfig.custom()
            .limitForPeriod(share)
            .limitRefreshPeriod(RHYTHM)
            .timeoutDuration(LIMITER_PATIENCE)
            .build());
  }
}
