package dev.symbiont.dispatcher;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.PartialText;
import dev.symbiont.contract.Spent;
import dev.symbiont.dispatcher.attempt.Ledger;
import java.math.BigDecimal;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/// A ledger that grants everything, unless it is told what to answer next.
public final class FakeLedger implements Ledger {

  private final Deque<Function<GrantRequest, CompletableFuture<GrantAnswer>>> next =
      new ConcurrentLinkedDeque<>();
  private final List<GrantRequest> requests = new CopyOnWriteArrayList<>();
  private final List<CallEnded> recorded = new CopyOnWriteArrayList<>();
  private volatile BigDecimal before = Examples.DECIDING;
  private final AtomicInteger numbers = new AtomicInteger();
  private volatile CompletableFuture<Void> recording = CompletableFuture.completedFuture(null);

  @Override
  public String nextRequestId() {
    return "ask-" + numbers.incrementAndGet();
  }

  @Override
  public CompletableFuture<GrantAnswer> ask(GrantRequest request) {
    requests.add(request);
    Function<GrantRequest, CompletableFuture<GrantAnswer>> answer = next.poll();
    return answer == null
        ? CompletableFuture.completedFuture(granted(request))
        : answer.apply(request);
  }

  @Override
  public void tell(PartialText text) {
    // Nobody listens.
  }

  @Override
  public CompletableFuture<Void> record(CallEnded call) {
    recorded.add(call);
    return recording;
  }

  /// The grant that it gives by itself.
  public static GrantAnswer grant(GrantRequest request) {
    return new GrantAnswer.Granted(
        request.requestId(), callId(request), null, new Spent(BigDecimal.ZERO, Examples.DECIDING));
  }

  /// From now on the task has cost so much before its present step.
  public void hasCost(BigDecimal cost) {
    before = cost;
  }

  private GrantAnswer granted(GrantRequest request) {
    BigDecimal step =
        recorded.stream()
            .filter(it -> it.attempt() == request.attempt())
            .map(it -> it.usage().costUsd())
            .reduce(BigDecimal.ZERO, BigDecimal::add);
    return new GrantAnswer.Granted(
        request.requestId(), callId(request), null, new Spent(step, before.add(step)));
  }

  public static String callId(GrantRequest request) {
    return "%s/%s.%d.%d"
        .formatted(request.taskId(), request.tier(), request.attempt(), request.tryNumber());
  }

  /// Answers the next request so.
  public void answerNext(Function<GrantRequest, GrantAnswer> answer) {
    answerLater(request -> CompletableFuture.completedFuture(answer.apply(request)));
  }

  /// Answers the next request when the future completes.
  public void answerLater(Function<GrantRequest, CompletableFuture<GrantAnswer>> answer) {
    next.add(answer);
  }

  /// From now on a record is certain only when that completes.
  public void recordWhen(CompletableFuture<Void> certain) {
    recording = certain;
  }

  public List<GrantRequest> requests() {
    return List.copyOf(requests);
  }

  public List<CallEnded> recorded() {
    return List.copyOf(recorded);
  }
}
