package dev.symbiont.ledger.arbiter;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.ledger.journal.Span;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// All that is known of a task, folded from its journal entries. The order in which they come does
/// not matter.
///
/// @param events the event ids seen, without the task's own id in front
/// @param attempt the highest attempt that was routed
/// @param classified whether the answer to its classification has gone back to the router
/// @param submitted the journal line that holds the prompt
/// @param end the journal line that holds the task's first end
public record TaskRecord(
    String id,
    TaskState state,
    Set<String> events,
    @Nullable String tier,
    int attempt,
    boolean classified,
    @Nullable Decision decision,
    @Nullable Instant acceptedAt,
    @Nullable Instant endedAt,
    List<CallRecord> calls,
    @Nullable Span submitted,
    @Nullable Span end) {

  static TaskRecord unseen(String id) {
    return new TaskRecord(
        id, TaskState.QUEUED, Set.of(), null, 0, false, null, null, null, List.of(), null, null);
  }

  boolean hasSeen(String eventId) {
    return events.contains(eventId.substring(id.length()));
  }

  /// This record with one more step, which stands at `span` of the journal.
  TaskRecord after(String eventId, Step step, Span span) {
    var seen = new LinkedHashSet<>(events);
    seen.add(eventId.substring(id.length()));
    var next = withEvents(seen);
    return switch (step) {
      case AcceptedTask accepted -> next.submitted(accepted, span);
      case Classification classification -> next.submitted(classification.accepted(), span);
      case RoutedTask routed -> next.submitted(routed.accepted(), span).routed(routed);
      case CallGranted granted -> next.with(CallRecord.of(granted));
      case CallEnded call -> next.ended(call).classifiedBy(call);
      case TaskEnded end -> (end.call() == null ? next : next.ended(end.call())).end(end, span);
      case SetAside aside -> next.endedAs(TaskState.SET_ASIDE, aside.at(), span, null);
    };
  }

  private TaskRecord submitted(AcceptedTask accepted, Span span) {
    return submitted != null
        ? this
        : new TaskRecord(
            id,
            state,
            events,
            tier,
            attempt,
            classified,
            decision,
            accepted.acceptedAt(),
            endedAt,
            calls,
            span,
            end);
  }

  private TaskRecord routed(RoutedTask routed) {
    TaskRecord next = routed.endedCall() == null ? this : ended(routed.endedCall());
    if (routed.attempt() <= attempt) {
      return next;
    }
    return new TaskRecord(
        id,
        state.isEnd() ? state : TaskState.ROUTED,
        events,
        routed.tier(),
        routed.attempt(),
        classified,
        routed.decision(),
        acceptedAt,
        endedAt,
        next.calls,
        submitted,
        end);
  }

  private TaskRecord classifiedBy(CallEnded call) {
    return call.accepted() == null
        ? this
        : new TaskRecord(
            id,
            state,
            events,
            tier,
            attempt,
            true,
            decision,
            acceptedAt,
            endedAt,
            calls,
            submitted,
            end);
  }

  private TaskRecord end(TaskEnded ended, Span span) {
    return endedAs(ended.state(), ended.endedAt(), span, ended.decision());
  }

  /// The first end wins; a later one counts as a call only.
  private TaskRecord endedAs(TaskState as, Instant at, Span span, @Nullable Decision decided) {
    return state.isEnd()
        ? this
        : new TaskRecord(
            id,
            as,
            events,
            tier,
            attempt,
            classified,
            decided == null ? decision : decided,
            acceptedAt,
            at,
            calls,
            submitted,
            span);
  }

  private TaskRecord ended(CallEnded call) {
    var next = new ArrayList<CallRecord>();
    for (CallRecord known : calls) {
      next.add(known.callId().equals(call.callId()) ? known.ended(call) : known);
    }
    return withCalls(next, state == TaskState.RUNNING ? TaskState.ROUTED : state);
  }

  private TaskRecord with(CallRecord call) {
    var next = new ArrayList<>(calls);
    next.add(call);
    boolean runs = call.purpose() == Purpose.TASK && !state.isEnd();
    return withCalls(next, runs ? TaskState.RUNNING : state);
  }

  private TaskRecord withCalls(List<CallRecord> newCalls, TaskState newState) {
    return new TaskRecord(
        id,
        newState,
        events,
        tier,
        attempt,
        classified,
        decision,
        acceptedAt,
        endedAt,
        List.copyOf(newCalls),
        submitted,
        end);
  }

  private TaskRecord withEvents(Set<String> newEvents) {
    return new TaskRecord(
        id,
        state,
        newEvents,
        tier,
        attempt,
        classified,
        decision,
        acceptedAt,
        endedAt,
        calls,
        submitted,
        end);
  }

  /// The calls of one step: a try at a tier, or the classification.
  List<CallRecord> callsOf(Purpose purpose, int ofAttempt) {
    return calls.stream()
        .filter(it -> it.purpose() == purpose && it.attempt() == ofAttempt)
        .toList();
  }

  /// Whether that step has led on to another, so that nothing is left to do for it.
  boolean hasMovedOn(Purpose purpose, int fromAttempt) {
    return switch (purpose) {
      case TASK -> attempt > fromAttempt;
      case CLASSIFICATION -> classified || attempt > 0;
    };
  }
}
