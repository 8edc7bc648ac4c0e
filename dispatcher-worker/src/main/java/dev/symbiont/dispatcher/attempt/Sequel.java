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
import dev.symbiont.contract.Work;
import java.math.BigDecimal;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Says what follows from the end of an attempt at `tier`.
record Sequel(Tier tier, Tiers tiers, InstantSource clock) {

  Next withoutGrant(Work work, GrantAnswer answer, boolean redelivered) {
    return switch (answer) {
      case GrantAnswer.Granted _ -> throw new IllegalStateException("a grant leads to a call");
      case GrantAnswer.Finished(_, TaskEnded end) ->
          end == null ? new Next.Nothing() : new Next.EndedBefore(end);
      // The call that somebody else makes may yet end without an answer, and a redelivered message
      // is
      // then the one to go on with. One that comes for the first time is a copy.
      case GrantAnswer.Running _ -> redelivered ? new Next.AskAgain() : new Next.Nothing();
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
      case GrantAnswer.Exhausted(_, int calls, Spent spent) ->
          end(
              work,
              TaskState.SET_ASIDE,
              "%d calls to %s began and none brought an answer".formatted(calls, tier.name()),
              null,
              spent);
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
      case Outcome.Limited _, Outcome.Overloaded _, Outcome.Crashed _, Outcome.Unreadable _ ->
          fallBack(task, call, spent);
      case Outcome.TimedOut _,
          Outcome.Cancelled _,
          Outcome.Refused _,
          Outcome.Unauthenticated _,
          Outcome.Unknown _ ->
          end(task, TaskState.FAILED, call.outcome().message(), call, spent);
    };
  }

  private Next fallBack(RoutedTask task, CallEnded call, Spent spent) {
    List<String> tried = task.tried().stream().map(TriedTier::tier).toList();
    if (task.accepted().task().mayFallBack()) {
      var next = tiers.fallbackOf(tier.name(), tried);
      if (next.isPresent()) {
        return new Next.FallsBack(task.fallBackTo(next.get().name(), call, spent.stepUsd()));
      }
    }
    String reason =
        "no tier brought an answer; tried %s; the last said: %s"
            .formatted(
                String.join(", ", Stream.concat(tried.stream(), Stream.of(tier.name())).toList()),
                call.outcome().message());
    return end(task, TaskState.SET_ASIDE, reason, call, spent);
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
                      : task.triedWith(call, spent.stepUsd()),
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
