package dev.symbiont.dispatcher;

import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Usage;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import dev.symbiont.dispatcher.provider.Provider;
import java.math.BigDecimal;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;

/// A provider that answers everything for a cent, unless it is told how the next calls end.
public final class FakeProvider implements Provider {

  public static final BigDecimal CENT = new BigDecimal("0.01");

  private final Deque<Function<Call, Ending>> next = new ConcurrentLinkedDeque<>();
  private final List<Call> calls = new CopyOnWriteArrayList<>();

  @Override
  public Ending make(Call call) {
    calls.add(call);
    Function<Call, Ending> ending = next.poll();
    return ending == null
        ? ending(new Outcome.Answered("the answer", null, false), CENT)
        : ending.apply(call);
  }

  /// The next call ends so, for nothing.
  public FakeProvider thenEnds(Outcome outcome) {
    return thenEnds(outcome, BigDecimal.ZERO);
  }

  public FakeProvider thenEnds(Outcome outcome, BigDecimal cost) {
    return thenDoes(_ -> ending(outcome, cost));
  }

  public FakeProvider thenDoes(Function<Call, Ending> what) {
    next.add(what);
    return this;
  }

  /// The next call lasts until it is interrupted, and ends as a real one does then.
  public FakeProvider thenHangs() {
    return thenDoes(
        _ -> {
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return ending(new Outcome.Cancelled("the worker was stopped during the call"), CENT);
        });
  }

  public List<Call> calls() {
    return List.copyOf(calls);
  }

  public static Ending ending(Outcome outcome, BigDecimal cost) {
    return new Ending(outcome, new Usage(1, 1, 0, 0, cost, CostBasis.CLI, "fake-1"), false);
  }
}
