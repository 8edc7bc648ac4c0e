package dev.symbiont.ledger.writer;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tiers;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Counts what the journal has on disk, each event once, so that the figures of a run are those of
/// its ledger. Used by the writer's thread.
///
/// What is noted counts only when it is durable. A batch that could not be written is tried again,
/// and some of it may be on disk by then and be recognised as old: it is still noted from the first
/// time, under the same id.
public final class Figures {

  private static final int[] BATCHES = {1, 2, 5, 10, 20, 50, 100};

  private static final Duration[] FORCES = {
    Duration.ofMillis(1),
    Duration.ofMillis(5),
    Duration.ofMillis(20),
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(2)
  };

  private static final Duration[] CALLS = {
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(15),
    Duration.ofMinutes(1),
    Duration.ofMinutes(5),
    Duration.ofMinutes(20)
  };

  private static final Duration[] OVERHEADS = {
    Duration.ofMillis(10),
    Duration.ofMillis(50),
    Duration.ofMillis(200),
    Duration.ofSeconds(1),
    Duration.ofSeconds(10),
    Duration.ofMinutes(1),
    Duration.ofMinutes(10),
    Duration.ofHours(1)
  };

  private final MeterRegistry meters;
  private final Map<CallKind, Counter> calls = new HashMap<>();
  private final Map<String, OfTier> tiers = new HashMap<>();
  private final Map<Class<?>, Counter> answers = new HashMap<>();
  private final Map<TaskState, Counter> ends = new EnumMap<>(TaskState.class);
  private final Counter lines;
  private final DistributionSummary batches;
  private final Timer forces;
  private final Timer overhead;
  private final Map<String, Runnable> noted = new LinkedHashMap<>();

  private record CallKind(String tier, Purpose purpose, String outcome) {}

  /// What calls at one tier took and cost.
  private record OfTier(
      Timer seconds,
      Counter input,
      Counter output,
      Counter cacheRead,
      Counter cacheWrite,
      Map<CostBasis, Counter> cost) {}

  public Figures(Tiers known, MeterRegistry meters) {
    this.meters = meters;
    // There from the beginning, so that the first of a kind shows as a rise.
    for (String tier : known.names()) {
      tiers.put(tier, ofTier(tier));
      for (Purpose purpose : Purpose.values()) {
        for (JsonSubTypes.Type outcome : kindsOf(Outcome.class)) {
          var kind = new CallKind(tier, purpose, outcome.name());
          calls.put(kind, counter(kind));
        }
      }
    }
    for (JsonSubTypes.Type answer : kindsOf(GrantAnswer.class)) {
      answers.put(
          answer.value(),
          Counter.builder("symbiont.grant.answers")
              .description("Answers to dispatchers that asked for a call")
              .tag("answer", answer.name())
              .register(meters));
    }
    for (TaskState state : TaskState.values()) {
      if (state.isEnd()) {
        ends.put(
            state,
            Counter.builder("symbiont.tasks.ended")
                .description("Tasks that came to an end, and messages that were set aside")
                .tag("state", state.wire())
                .register(meters));
      }
    }
    lines =
        Counter.builder("symbiont.journal.lines")
            .description("Lines forced to the journal by this process")
            .register(meters);
    batches =
        DistributionSummary.builder("symbiont.ledger.batch.messages")
            .description("Messages that were taken and written together")
            .serviceLevelObjectives(Arrays.stream(BATCHES).asDoubleStream().toArray())
            .register(meters);
    forces =
        Timer.builder("symbiont.ledger.force")
            .description("Writing a batch to the journal and forcing it to disk")
            .serviceLevelObjectives(FORCES)
            .register(meters);
    overhead =
        Timer.builder("symbiont.task.overhead")
            .description(
                "From the acceptance of a task that succeeded to its end, without its calls")
            .serviceLevelObjectives(OVERHEADS)
            .register(meters);
  }

  /// A call has ended, under this event id.
  void note(String eventId, CallEnded call) {
    noted.put(eventId, () -> count(call));
  }

  /// A task has ended, under this event id.
  ///
  /// @param ownSeconds what it took without its calls, where that says anything
  void note(String eventId, TaskState end, @Nullable Duration ownSeconds) {
    noted.put(
        eventId + " ends it",
        () -> {
          Objects.requireNonNull(ends.get(end)).increment();
          if (ownSeconds != null) {
            overhead.record(ownSeconds);
          }
        });
  }

  void note(GrantAnswer answer) {
    noted.put(
        answer.requestId(),
        () -> Objects.requireNonNull(answers.get(answer.getClass())).increment());
  }

  /// All that is noted is on disk, and so many lines more.
  ///
  /// @param messages of the batch
  void written(int messages, long newLines) {
    if (messages > 0) {
      batches.record(messages);
    }
    lines.increment((double) newLines);
    noted.values().forEach(Runnable::run);
    noted.clear();
  }

  void forced(long nanos) {
    forces.record(nanos, TimeUnit.NANOSECONDS);
  }

  private void count(CallEnded call) {
    calls
        .computeIfAbsent(
            new CallKind(call.tier(), call.purpose(), call.outcome().kind()), this::counter)
        .increment();
    OfTier tier = tiers.computeIfAbsent(call.tier(), this::ofTier);
    tier.seconds.record(call.elapsedSeconds().movePointRight(3).longValue(), TimeUnit.MILLISECONDS);
    tier.input.increment((double) call.usage().inputTokens());
    tier.output.increment((double) call.usage().outputTokens());
    tier.cacheRead.increment((double) call.usage().cacheReadTokens());
    tier.cacheWrite.increment((double) call.usage().cacheWriteTokens());
    Objects.requireNonNull(tier.cost.get(call.usage().costBasis()))
        .increment(call.usage().costUsd().doubleValue());
  }

  private Counter counter(CallKind kind) {
    return Counter.builder("symbiont.calls")
        .description("Calls that ended: lines of the ledger")
        .tag("tier", kind.tier)
        .tag("purpose", kind.purpose.wire())
        .tag("outcome", kind.outcome)
        .register(meters);
  }

  private OfTier ofTier(String tier) {
    var cost = new EnumMap<CostBasis, Counter>(CostBasis.class);
    for (CostBasis basis : CostBasis.values()) {
      cost.put(
          basis,
          Counter.builder("symbiont.cost")
              .description("What calls cost; for the basis unknown, what was reserved for them")
              .baseUnit("dollars")
              .tag("tier", tier)
              .tag("basis", basis.wire())
              .register(meters));
    }
    Timer seconds =
        Timer.builder("symbiont.call")
            .description("How long calls took")
            .tag("tier", tier)
            .serviceLevelObjectives(CALLS)
            .register(meters);
    return new OfTier(
        seconds,
        tokens(tier, "input"),
        tokens(tier, "output"),
        tokens(tier, "cache_read"),
        tokens(tier, "cache_write"),
        cost);
  }

  private Counter tokens(String tier, String kind) {
    return Counter.builder("symbiont.tokens")
        .description("Tokens of calls")
        .tag("tier", tier)
        .tag("kind", kind)
        .register(meters);
  }

  /// The names that the shapes of a message have on the wire.
  private static List<JsonSubTypes.Type> kindsOf(Class<?> shapes) {
    return List.of(Objects.requireNonNull(shapes.getAnnotation(JsonSubTypes.class)).value());
  }
}
