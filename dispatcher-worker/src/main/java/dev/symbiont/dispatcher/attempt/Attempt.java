package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Spent;
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
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
  private final Map<Thread, String> running = new ConcurrentHashMap<>();

  /// How often and how fast transient failures are tried again.
  public record Patience(int maxTries, Duration firstWait) {}

  /// What one pass through grant and call came to.
  private sealed interface Tried {

    record Called(CallEnded call, Spent spent) implements Tried {}

    record NotGranted(GrantAnswer answer) implements Tried {}
  }

  public Attempt(
      Tier tier,
      Tiers tiers,
      Provider provider,
      Ledger ledger,
      String worker,
      WorkFolder folders,
      InstantSource clock,
      Patience patience) {
    this.tier = tier;
    this.sequel = new Sequel(tier, tiers, clock);
    this.provider = provider;
    this.ledger = ledger;
    this.worker = worker;
    this.folders = folders;
    this.clock = clock;
    this.maxTries = patience.maxTries();
    this.limiter = limiter(tier);
    this.retry =
        Retry.of(
            tier.name(),
            RetryConfig.<Tried>custom()
                .maxAttempts(maxTries)
                .intervalFunction(IntervalFunction.ofExponentialRandomBackoff(patience.firstWait()))
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

  /// The ids of the calls that are being made.
  public List<String> running() {
    return List.copyOf(running.values());
  }

  /// Whether this thread waits for a program just now.
  public boolean isCalling(Thread thread) {
    return running.containsKey(thread);
  }

  /// Works on it until it is clear what follows.
  ///
  /// @param redelivered the broker had given this work to somebody before
  /// @param asked this worker has asked about it before, and did not use its turn
  public Next run(Work work, boolean redelivered, boolean asked) throws InterruptedException {
    var tries = new AtomicInteger();
    Tried tried;
    try {
      tried =
          retry.executeCallable(() -> tryOnce(work, redelivered, asked, tries.incrementAndGet()));
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("task " + work.taskId() + " at " + tier.name(), e);
    }
    return switch (tried) {
      case Tried.NotGranted(GrantAnswer answer) -> sequel.withoutGrant(work, answer, redelivered);
      case Tried.Called(CallEnded call, Spent spent) -> sequel.after(work, call, spent);
    };
  }

  private Tried tryOnce(Work work, boolean redelivered, boolean asked, int tryNumber)
      throws Exception {
    GrantAnswer answer = ask(work, redelivered, asked && tryNumber == 1, tryNumber);
    if (!(answer instanceof GrantAnswer.Granted(_, String callId, Spent spent))) {
      return new Tried.NotGranted(answer);
    }
    CallEnded call = call(work, callId);
    boolean goesOn = call.outcome().isTransient() && tryNumber < maxTries;
    if (goesOn) {
      ledger.record(call).get();
    } else if (call.outcome() instanceof Outcome.Cancelled) {
      recordBeforeStopping(call);
    }
    return new Tried.Called(call, spent);
  }

  /// The thread is interrupted, so only a wait that no interrupt ends is one.
  private void recordBeforeStopping(CallEnded call) {
    ledger
        .record(call)
        .copy()
        .completeOnTimeout(null, RECORD_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .join();
  }

  private GrantAnswer ask(Work work, boolean redelivered, boolean asked, int tryNumber)
      throws InterruptedException, ExecutionException {
    while (!asked && !limiter.acquirePermission()) {
      if (Thread.interrupted()) {
        throw new InterruptedException("stopped while paced");
      }
      log.debug("{} is paced; {} waits", tier.name(), work.taskId());
    }
    var request =
        new GrantRequest(
            ledger.nextRequestId(),
            Topology.replyKey(worker),
            work.taskId(),
            work.purpose(),
            tier.name(),
            work.attempt(),
            tryNumber,
            worker,
            redelivered,
            work.deadline(),
            CallEnded.preview(work.prompt()));
    return await(request, work);
  }

  /// A worker that has to stop while it waits must not leave a granted call behind that it never
  /// makes.
  private GrantAnswer await(GrantRequest request, Work work)
      throws InterruptedException, ExecutionException {
    CompletableFuture<GrantAnswer> answer = ledger.ask(request);
    try {
      return answer.get();
    } catch (InterruptedException e) {
      answer
          .orTimeout(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
          .exceptionally(_ -> new GrantAnswer.Cancelled(request.requestId()))
          .thenCompose(
              late ->
                  late instanceof GrantAnswer.Granted(_, String callId, _)
                      ? ledger.record(neverMade(work, callId))
                      : CompletableFuture.completedFuture(null))
          .join();
      throw e;
    }
  }

  private CallEnded neverMade(Work work, String callId) {
    var outcome = new Outcome.Cancelled("the worker was stopped before the call");
    return ended(work, callId, Duration.ZERO, new Ending(outcome, Usage.NONE, false));
  }

  private CallEnded call(Work work, String callId) {
    long start = System.nanoTime();
    Ending ending;
    boolean begun = false;
    running.put(Thread.currentThread(), callId);
    try (WorkFolder.Private folder = folders.make()) {
      var call =
          new Call(
              callId,
              tier,
              work.purpose(),
              work.prompt(),
              work.system(),
              work.jsonSchema(),
              folder.path(),
              timeout(work));
      begun = true;
      ending = provider.make(call);
    } catch (RuntimeException e) {
      // Its beginning is on disk, so it gets an end.
      log.error("call {} failed in the worker itself", callId, e);
      var reserved = new Usage(0, 0, 0, 0, tier.typicalCostUsd(), CostBasis.UNKNOWN, null);
      var outcome = new Outcome.Crashed(-1, "the worker failed: " + e);
      ending = new Ending(outcome, begun ? reserved : Usage.NONE, false);
    } finally {
      running.remove(Thread.currentThread());
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
        null);
  }

  private Duration timeout(Work work) {
    Instant deadline = work.deadline();
    if (deadline == null) {
      return tier.timeout();
    }
    var left = Duration.between(clock.instant(), deadline);
    return left.compareTo(tier.timeout()) < 0 ? left : tier.timeout();
  }

  /// Paces this worker evenly: one call at a time in the tier's rhythm.
  private static RateLimiter limiter(Tier tier) {
    Duration rhythm = tier.rate().period().dividedBy(tier.rate().calls());
    return RateLimiter.of(
        tier.name(),
        RateLimiterConfig.custom()
            .limitForPeriod(1)
            .limitRefreshPeriod(rhythm)
            .timeoutDuration(LIMITER_PATIENCE)
            .build());
  }
}
