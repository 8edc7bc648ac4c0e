package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.TriedTier;
import dev.symbiont.contract.WhenSpent;
import dev.symbiont.contract.Work;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Says what follows from the end of an attempt at `tier`.
///
/// A task whose tier is closed goes to the first open tier that it has not been to since it last
/// waited, and waits if there is none. Each tier is entered once between two waits, and a wait ends
/// only when the ledger says so: nothing can go round in circles.
record Sequel(Tier tier, Tiers tiers, TierBoard board, InstantSource clock) {

  /// A message is not kept longer than this for want of a grant; then its task waits in a queue.
  static final Duration LONGEST_HOLD = Duration.ofSeconds(30);

  private static final Duration SHORTEST_HOLD = Duration.ofMillis(50);
  private static final Duration WHILE_ANOTHER_CALLS = Duration.ofSeconds(1);

  Next withoutGrant(Work work, GrantAnswer answer, boolean redelivered) {
    return switch (answer) {
      case GrantAnswer.Granted _ -> throw new IllegalStateException("a grant leads to a call");
      case GrantAnswer.Finished(_, TaskEnded end) ->
          end == null ? new Next.Nothing() : new Next.EndedBefore(end);
      // The call that somebody else makes may yet end without an answer, and a redelivered message
      // is then the one to go on with. One that comes for the first time is a copy.
      case GrantAnswer.Running _ ->
          redelivered ? new Next.AskAgain(WHILE_ANOTHER_CALLS, false) : new Next.Nothing();
      case GrantAnswer.NotBefore(_, Duration wait, Spent spent) -> notBefore(work, wait, spent);
      case GrantAnswer.Closed(_, String reason, Instant until, Spent spent) ->
          closed(work, reason, until, spent);
      case GrantAnswer.OverBudget(_, WhenSpent when, String reason, Instant until, Spent spent) ->
          overBudget(work, when, reason, until, spent);
      case GrantAnswer.Cancelled _ -> new Next.Nothing();
      case GrantAnswer.Unknown(_, String callId, Spent spent) ->
          end(
              work,
              TaskState.FAILED,
              "nobody knows how call %s ended, it may have been paid for, and %s is not called twice"
                  .formatted(callId, tier.name()),
              null,
              spent);
      case GrantAnswer.Expired(_, Spent spent) ->
          end(work, TaskState.EXPIRED, "the deadline passed before the call", null, spent);
      case GrantAnswer.Exhausted(_, int calls, Spent spent) -> {
        String reason =
            "%d calls to %s began and none brought an answer".formatted(calls, tier.name());
        yield switch (work) {
          case Classification it -> new Next.Declined(it.declined(reason));
          case RoutedTask _ -> end(work, TaskState.SET_ASIDE, reason, null, spent);
        };
      }
    };
  }

  Next after(Work work, CallEnded call, Spent spent) {
    if (call.outcome() instanceof Outcome.Cancelled) {
      return new Next.PutBack();
    }
    return switch (work) {
      case RoutedTask task -> after(task, call, spent);
      case Classification it -> new Next.Classified(call.carrying(it.accepted()));
    };
  }

  private Next after(RoutedTask task, CallEnded call, Spent spent) {
    return switch (call.outcome()) {
      case Outcome.Answered _ -> end(task, TaskState.SUCCEEDED, "", call, spent);
      case Outcome.Limited it ->
          giveWay(task, it.message(), it.until(), task.tried(call, spent.stepUsd()), call);
      case Outcome.Unauthenticated it ->
          giveWay(task, it.message(), null, task.tried(call, spent.stepUsd()), call);
      case Outcome.Overloaded _, Outcome.Crashed _, Outcome.Unreadable _ ->
          tryElsewhere(task, call, spent);
      case Outcome.TimedOut _, Outcome.Cancelled _, Outcome.Refused _, Outcome.Unknown _ ->
          end(task, TaskState.FAILED, call.outcome().message(), call, spent);
    };
  }

  private Next notBefore(Work work, Duration wait, Spent spent) {
    if (wait.compareTo(LONGEST_HOLD) <= 0) {
      return new Next.AskAgain(wait, true);
    }
    String reason = "the rate of %s is used up".formatted(tier.name());
    return switch (work) {
      case Classification it -> new Next.Declined(it.declined(reason));
      case RoutedTask task ->
          new Next.Waits(
              task.waitFor(
                  tier.name(),
                  clock.instant().plus(wait),
                  reason,
                  notCalled(task, "not_before", reason, spent),
                  null));
    };
  }

  private Next closed(Work work, String reason, @Nullable Instant until, Spent spent) {
    if (work instanceof Classification it) {
      return new Next.Declined(it.declined("%s is closed: %s".formatted(tier.name(), reason)));
    }
    var task = (RoutedTask) work;
    if (until != null && alternatives(task).noneMatch(board::isOpen)) {
      var wait = Duration.between(clock.instant(), until);
      if (wait.compareTo(LONGEST_HOLD) <= 0) {
        return new Next.AskAgain(wait.compareTo(SHORTEST_HOLD) > 0 ? wait : SHORTEST_HOLD, false);
      }
    }
    return giveWay(task, reason, until, notCalled(task, "closed", reason, spent), null);
  }

  private Next overBudget(
      Work work, WhenSpent when, String reason, @Nullable Instant until, Spent spent) {
    if (work instanceof Classification it) {
      return new Next.Declined(it.declined(reason));
    }
    var task = (RoutedTask) work;
    TriedTier tried = notCalled(task, "over_budget", reason, spent);
    List<String> before = task.triedSinceWaiting();
    Optional<String> cheaper =
        when == WhenSpent.FALL_BACK && task.accepted().task().mayFallBack()
            ? tiers.cheaperThan(tier.name()).stream()
                .filter(it -> !before.contains(it) && board.isOpen(it))
                .findFirst()
            : Optional.empty();
    if (cheaper.isPresent()) {
      return new Next.FallsBack(task.fallBackTo(cheaper.get(), tried, null));
    }
    return when == WhenSpent.REFUSE
        ? end(task, TaskState.FAILED, reason, null, spent)
        : new Next.Waits(task.waitFor(tier.name(), until, reason, tried, null));
  }

  /// The tier is not to be had: to the next one that is open, or wait for whichever opens first.
  private Next giveWay(
      RoutedTask task,
      String reason,
      @Nullable Instant until,
      TriedTier tried,
      @Nullable CallEnded call) {
    Optional<String> next = alternatives(task).filter(board::isOpen).findFirst();
    if (next.isPresent()) {
      return new Next.FallsBack(task.fallBackTo(next.get(), tried, call));
    }
    Optional<String> sooner =
        alternatives(task)
            .filter(it -> opensAt(it).isBefore(until == null ? Instant.MAX : until))
            .min(Comparator.comparing(this::opensAt));
    return new Next.Waits(
        sooner.isPresent()
            ? task.waitFor(sooner.get(), board.opensAt(sooner.get()), reason, tried, call)
            : task.waitFor(tier.name(), until, reason, tried, call));
  }

  /// The tier did not bring an answer, and would not do so if it was asked again.
  private Next tryElsewhere(RoutedTask task, CallEnded call, Spent spent) {
    TriedTier tried = task.tried(call, spent.stepUsd());
    Optional<String> next =
        alternatives(task)
            .filter(board::isOpen)
            .findFirst()
            .or(() -> alternatives(task).min(Comparator.comparing(this::opensAt)));
    if (next.isEmpty()) {
      String reason =
          "no tier brought an answer; tried %s; the last said: %s"
              .formatted(
                  String.join(", ", task.triedWith(tried).stream().map(TriedTier::tier).toList()),
                  call.outcome().message());
      return end(task, TaskState.SET_ASIDE, reason, call, spent);
    }
    return board.isOpen(next.get())
        ? new Next.FallsBack(task.fallBackTo(next.get(), tried, call))
        : new Next.Waits(
            task.waitFor(
                next.get(), board.opensAt(next.get()), call.outcome().message(), tried, call));
  }

  /// Where else the task may go: the tier that was decided on, and what may stand in for that.
  private Stream<String> alternatives(RoutedTask task) {
    String decided = task.decision().tier();
    List<String> tried = task.triedSinceWaiting();
    Stream<String> home = task.accepted().task().mayFallBack() ? Stream.of(decided) : Stream.of();
    return Stream.concat(home, tiers.alternativesTo(decided, task.accepted().task()).stream())
        .filter(it -> !it.equals(tier.name()) && !tried.contains(it));
  }

  private Instant opensAt(String other) {
    Instant at = board.opensAt(other);
    return at == null ? Instant.MAX : at;
  }

  private TriedTier notCalled(RoutedTask task, String outcome, String reason, Spent spent) {
    return new TriedTier(tier.name(), outcome, reason, spent.stepUsd(), task.waits());
  }

  private Next end(
      Work work, TaskState state, String reason, @Nullable CallEnded call, Spent spent) {
    BigDecimal total = call == null ? spent.taskUsd() : spent.taskUsd().add(call.usage().costUsd());
    return new Next.Ended(
        switch (work) {
          case RoutedTask task ->
              new TaskEnded(
                  task.taskId(),
                  state,
                  reason,
                  task.decision(),
                  call == null || call.succeeded()
                      ? task.tried()
                      : task.triedWith(task.tried(call, spent.stepUsd())),
                  call,
                  total,
                  clock.instant(),
                  task.replay());
          case Classification it ->
              new TaskEnded(
                  it.taskId(), state, reason, null, List.of(), call, total, clock.instant(), 0);
        });
  }
}
