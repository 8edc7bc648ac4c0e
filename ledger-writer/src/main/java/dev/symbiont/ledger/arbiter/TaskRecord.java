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
import dev.symbiont.ledger.journal.LedgerLine;
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
    var draft = new Draft(this);
    draft.events.add(eventId.substring(id.length()));
    LedgerLine.callIn(step).ifPresent(draft::ended);
    switch (step) {
      case AcceptedTask accepted -> draft.submitted(accepted, span);
      case Classification classification -> draft.submitted(classification.accepted(), span);
      case RoutedTask routed -> {
        draft.submitted(routed.accepted(), span);
        draft.routed(routed);
      }
      case CallGranted granted -> draft.granted(granted);
      case CallEnded call -> draft.classified |= call.accepted() != null;
      case TaskEnded ended -> draft.endedAs(ended.state(), ended.endedAt(), span, ended.decision());
      case SetAside aside -> draft.endedAs(TaskState.SET_ASIDE, aside.at(), span, null);
    }
    return draft.done();
  }

  /// A record while a step is being folded into it.
  private static final class Draft {
    private final String id;
    private final Set<String> events;
    private final List<CallRecord> calls;
    private TaskState state;
    private @Nullable String tier;
    private int attempt;
    private boolean classified;
    private @Nullable Decision decision;
    private @Nullable Instant acceptedAt;
    private @Nullable Instant endedAt;
    private @Nullable Span submitted;
    private @Nullable Span end;

    Draft(TaskRecord from) {
      id = from.id;
      events = new LinkedHashSet<>(from.events);
      calls = new ArrayList<>(from.calls);
      state = from.state;
      tier = from.tier;
      attempt = from.attempt;
      classified = from.classified;
      decision = from.decision;
      acceptedAt = from.acceptedAt;
      endedAt = from.endedAt;
      submitted = from.submitted;
      end = from.end;
    }

    TaskRecord done() {
      return new TaskRecord(
          id,
          state(),
          events,
          tier,
          attempt,
          classified,
          decision,
          acceptedAt,
          endedAt,
          List.copyOf(calls),
          submitted,
          end);
    }

    private TaskState state() {
      if (state.isEnd()) {
        return state;
      }
      if (calls.stream().anyMatch(it -> it.isOpen() && it.purpose() == Purpose.TASK)) {
        return TaskState.RUNNING;
      }
      return attempt > 0 ? TaskState.ROUTED : TaskState.QUEUED;
    }

    void submitted(AcceptedTask accepted, Span span) {
      if (submitted == null) {
        submitted = span;
        acceptedAt = accepted.acceptedAt();
      }
    }

    void routed(RoutedTask routed) {
      if (routed.attempt() > attempt) {
        attempt = routed.attempt();
        tier = routed.tier();
        decision = decision == null ? routed.decision() : decision;
      }
    }

    void granted(CallGranted granted) {
      calls.add(CallRecord.of(granted));
    }

    void ended(CallEnded call) {
      calls.replaceAll(it -> it.callId().equals(call.callId()) ? it.ended(call) : it);
    }

    /// The first end wins; a later one counts as a call only.
    void endedAs(TaskState as, Instant at, Span span, @Nullable Decision decided) {
      if (!state.isEnd()) {
        state = as;
        endedAt = at;
        end = span;
        decision = decided == null ? decision : decided;
      }
    }
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
