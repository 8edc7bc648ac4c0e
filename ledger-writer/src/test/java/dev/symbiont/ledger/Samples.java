package dev.symbiont.ledger;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.arbiter.Arbiter;
import dev.symbiont.ledger.arbiter.Backoff;
import dev.symbiont.ledger.arbiter.Budget;
import dev.symbiont.ledger.writer.Figures;
import dev.symbiont.ledger.writer.Writer;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The messages of a task's life, as short as tests want them. Everything happens at noon.
public final class Samples {

  public static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
  public static final Tiers TIERS =
      new Tiers(
          List.of(
              tier("haiku", "0.008", List.of("sonnet", "opus"), Tier.OnUnknown.RETRY),
              tier("sonnet", "0.04", List.of("opus"), Tier.OnUnknown.RETRY),
              tier("opus", "0.15", List.of(), Tier.OnUnknown.FAIL)));

  public static final Arbiter.Rules RULES = rules(5);

  /// Counts to nobody.
  public static final Figures FIGURES = new Figures(TIERS, new CompositeMeterRegistry());

  /// Nothing is known against any tier.
  public static final Supplier<Writer.TierSnapshot> ALL_OPEN =
      () -> new Writer.TierSnapshot(List.of(), List.of(), Map.of(), Map.of());

  /// For calls that may begin any time soon.
  public static final Duration START_WITHIN = Duration.ofSeconds(1);

  private Samples() {}

  public static Arbiter.Rules rules(int maxCallsPerStep, Budget... budgets) {
    return new Arbiter.Rules(
        maxCallsPerStep, Backoff.DEFAULT, Duration.ofSeconds(15), List.of(budgets));
  }

  public static AcceptedTask accepted(String id) {
    return accepted(id, "the prompt of " + id, Reply.NONE);
  }

  public static AcceptedTask accepted(String id, String prompt, Reply reply) {
    return new AcceptedTask(Task.of(prompt).withId(id), NOON, reply, false);
  }

  public static RoutedTask routed(AcceptedTask task, String tier) {
    var decision =
        new Decision(tier, Confidence.HIGH, "a rule said so", DecidedBy.RULE, BigDecimal.ZERO);
    return RoutedTask.first(task, decision);
  }

  public static RoutedTask routed(String id) {
    return routed(accepted(id), "haiku");
  }

  public static Classification classification(AcceptedTask task) {
    return new Classification(
        task, "haiku", "which tier?", "answer briefly", Codec.mapper().createObjectNode(), null);
  }

  public static GrantRequest request(Work work, String requestId, String worker) {
    return new GrantRequest(
        requestId,
        "reply." + worker,
        work.taskId(),
        work.purpose(),
        work.tier(),
        work.attempt(),
        work.waits(),
        1,
        worker,
        false,
        work.priority(),
        work.deadline(),
        work.accepted().task().maxCostUsd(),
        work.accepted().task().labels(),
        CallEnded.preview(work.prompt()));
  }

  /// The grant that a ledger-writer would give to this request as the task's call of that number.
  public static CallGranted granted(GrantRequest request, int number) {
    return new CallGranted(
        "%s/call.%d".formatted(request.taskId(), number),
        request.requestId(),
        request.taskId(),
        request.purpose(),
        request.tier(),
        request.tier(),
        request.attempt(),
        request.waits(),
        0,
        false,
        request.worker(),
        NOON,
        new BigDecimal("0.008"),
        Map.of(),
        request.promptPreview());
  }

  public static CallEnded ended(CallGranted call, Outcome outcome, String cost) {
    return new CallEnded(
        call.callId(),
        call.taskId(),
        call.purpose(),
        call.tier(),
        call.model(),
        call.attempt(),
        call.worker(),
        NOON.plusMillis(1_500),
        new BigDecimal("1.500"),
        outcome,
        new Usage(10, 20, 30, 40, new BigDecimal(cost), CostBasis.CLI, "claude-haiku-4-5"),
        false,
        call.promptPreview(),
        null,
        null);
  }

  /// What comes after a call without an answer: the next tier.
  public static RoutedTask fallenBack(RoutedTask work, String tier, CallEnded call) {
    return work.fallBackTo(tier, work.tried(call, BigDecimal.ZERO), call);
  }

  /// A limit, with or without a word on when it ends.
  public static CallEnded limited(CallGranted call, @Nullable Instant until) {
    return ended(call, new Outcome.Limited(until, "resets_at", "you have hit your limit"), "0");
  }

  /// Answered, with a word on how near the limit is.
  public static CallEnded warned(CallGranted call, BigDecimal utilization, Instant resetsAt) {
    CallEnded it = answered(call, "0.01");
    return new CallEnded(
        it.callId(),
        it.taskId(),
        it.purpose(),
        it.tier(),
        it.model(),
        it.attempt(),
        it.worker(),
        it.endedAt(),
        it.elapsedSeconds(),
        it.outcome(),
        it.usage(),
        it.simulated(),
        it.promptPreview(),
        new CallEnded.LimitWarning(utilization, resetsAt),
        it.accepted());
  }

  public static CallEnded answered(CallGranted call, String cost) {
    return ended(call, new Outcome.Answered("42", null, false), cost);
  }

  public static CallEnded crashed(CallGranted call) {
    return ended(call, new Outcome.Crashed(1, "exit code 1"), "0");
  }

  public static TaskEnded succeeded(RoutedTask work, CallEnded call) {
    return new TaskEnded(
        work.taskId(),
        TaskState.SUCCEEDED,
        "",
        work.decision(),
        work.tried(),
        call,
        call.usage().costUsd(),
        call.endedAt(),
        work.replay());
  }

  public static TaskEnded endedWithoutCall(String id, TaskState state) {
    return new TaskEnded(
        id, state, "not called", null, List.of(), null, BigDecimal.ZERO, NOON.plusSeconds(2), 0);
  }

  public static WorkerBeat beat(String worker) {
    return beat(worker, WorkerBeat.Phase.HEARTBEAT);
  }

  public static WorkerBeat beat(String worker, WorkerBeat.Phase phase, String... running) {
    return new WorkerBeat(
        worker, worker.replaceAll("-.*", ""), NOON, NOON.plusSeconds(2), phase, List.of(running));
  }

  private static Tier tier(
      String name, String typicalCost, List<String> fallback, Tier.OnUnknown onUnknown) {
    return new Tier(
        name,
        "claude",
        name,
        "",
        new Tier.Rate(600, Duration.ofMinutes(1)),
        2,
        Duration.ofMinutes(10),
        Tier.Prices.FREE,
        new BigDecimal(typicalCost),
        fallback,
        false,
        Tier.SlowDown.DEFAULT,
        onUnknown,
        Isolation.CONVERSATION,
        List.of());
  }
}
