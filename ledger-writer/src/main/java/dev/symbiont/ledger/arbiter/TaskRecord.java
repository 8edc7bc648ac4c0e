package dev.symbiont.ledger.arbiter;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CancelRequested;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.journal.Span;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// All that is known of a task, folded from its journal entries. The order in which they come does
/// not matter.
///
/// @param preview the first characters of the prompt
/// @param events the journal lines that hold its steps, by event id without the task's own in front
/// @param attempt the highest attempt that was routed
/// @param waits how often it was sent to wait for a tier
/// @param waitsUntil when it need not wait any longer, as far as that is known
/// @param classified whether the answer to its classification has gone back to the router
/// @param submitted the journal line that holds the prompt
/// @param end the journal line that holds the task's first end, since its last replay
/// @param latest the journal line that holds the message which moves the task on, and its rank
/// @param replays how often an operator has sent it on again
/// @param reason why it was set aside or waits, if it was or does
/// @param cancelRequested whether somebody wanted it to end while a call was under way
/// @param webhook address that is called when it ends
/// @param discarded whether an operator has looked at it and left it set aside
public record TaskRecord(
    String id,
    TaskState state,
    @Nullable String preview,
    Map<String, String> labels,
    Map<String, Span> events,
    @Nullable String tier,
    int attempt,
    int waits,
    @Nullable Instant waitsUntil,
    boolean classified,
    @Nullable Decision decision,
    @Nullable Instant acceptedAt,
    @Nullable Instant endedAt,
    List<CallRecord> calls,
    @Nullable Span submitted,
    @Nullable Span end,
    @Nullable Span latest,
    int latestRank,
    int replays,
    @Nullable String reason,
    boolean cancelRequested,
    @Nullable String webhook,
    boolean discarded) {

  /// Ranks of the messages that move a task on; the one with the highest says who acts next.
  private static final int ACCEPTED = 1;

  private static final int MILLIS_DIGITS = 3;
  private static final int TO_CLASSIFY = 2;
  private static final int CLASSIFIED = 3;
  private static final int ROUTED = 4;

  static TaskRecord unseen(String id) {
    return new TaskRecord(
        id,
        TaskState.QUEUED,
        null,
        Map.of(),
        Map.of(),
        null,
        0,
        0,
        null,
        false,
        null,
        null,
        null,
        List.of(),
        null,
        null,
        null,
        0,
        0,
        null,
        false,
        null,
        false);
  }

  boolean hasSeen(String eventId) {
    return events.containsKey(eventId.substring(id.length()));
  }

  /// This record with one more step, which stands at `span` of the journal.
  TaskRecord after(String eventId, Step step, Span span) {
    var draft = new Draft(this);
    draft.events.put(eventId.substring(id.length()), span);
    LedgerLine.callIn(step).ifPresent(draft::ended);
    switch (step) {
      case AcceptedTask accepted -> {
        draft.submitted(accepted, span);
        draft.moved(ACCEPTED, span);
      }
      case Classification classification -> {
        draft.submitted(classification.accepted(), span);
        draft.classified |= classification.declined() != null;
        draft.moved(classification.declined() == null ? TO_CLASSIFY : CLASSIFIED, span);
      }
      case RoutedTask routed -> {
        draft.submitted(routed.accepted(), span);
        draft.routed(routed);
        draft.moved(ROUTED + routed.attempt() + routed.waits(), span);
        draft.replayed(routed, span);
      }
      case CallGranted granted -> draft.granted(granted);
      case CallEnded call -> {
        if (call.accepted() != null) {
          draft.classified = true;
          draft.moved(CLASSIFIED, span);
        }
      }
      case TaskEnded ended -> draft.ended(ended, span);
      case SetAside aside ->
          draft.endedAs(TaskState.SET_ASIDE, aside.at(), span, aside.replay(), aside.reason());
      case CancelRequested _ -> draft.cancelRequested = true;
      case Discarded gone -> draft.discarded |= gone.replay() == draft.replays;
    }
    return draft.done();
  }

  /// A record while a step is being folded into it.
  private static final class Draft {
    private final String id;
    private final Map<String, Span> events;
    private final List<CallRecord> calls;
    private TaskState state;
    private @Nullable String preview;
    private Map<String, String> labels;
    private @Nullable String tier;
    private int attempt;
    private int waits;
    private @Nullable Instant waitsUntil;
    private boolean classified;
    private @Nullable Decision decision;
    private @Nullable Instant acceptedAt;
    private @Nullable Instant endedAt;
    private @Nullable Span submitted;
    private @Nullable Span end;
    private @Nullable Span latest;
    private int latestRank;
    private int replays;
    private @Nullable String reason;
    private boolean cancelRequested;
    private @Nullable String webhook;
    private boolean discarded;

    Draft(TaskRecord from) {
      id = from.id;
      events = new LinkedHashMap<>(from.events);
      calls = new ArrayList<>(from.calls);
      state = from.state;
      preview = from.preview;
      labels = from.labels;
      tier = from.tier;
      attempt = from.attempt;
      waits = from.waits;
      waitsUntil = from.waitsUntil;
      classified = from.classified;
      decision = from.decision;
      acceptedAt = from.acceptedAt;
      endedAt = from.endedAt;
      submitted = from.submitted;
      end = from.end;
      latest = from.latest;
      latestRank = from.latestRank;
      replays = from.replays;
      reason = from.reason;
      cancelRequested = from.cancelRequested;
      webhook = from.webhook;
      discarded = from.discarded;
    }

    TaskRecord done() {
      return new TaskRecord(
          id,
          state(),
          preview,
          labels,
          events,
          tier,
          attempt,
          waits,
          waitsUntil,
          classified,
          decision,
          acceptedAt,
          endedAt,
          List.copyOf(calls),
          submitted,
          end,
          latest,
          latestRank,
          replays,
          reason,
          cancelRequested,
          webhook,
          discarded);
    }

    private TaskState state() {
      if (state.isEnd()) {
        return state;
      }
      List<CallRecord> made = calls.stream().filter(it -> it.purpose() == Purpose.TASK).toList();
      if (made.stream().anyMatch(CallRecord::isOpen)) {
        return TaskState.RUNNING;
      }
      if (reason != null
          && made.stream().noneMatch(it -> it.attempt() == attempt && it.waits() == waits)) {
        return TaskState.WAITING;
      }
      return attempt > 0 ? TaskState.ROUTED : TaskState.QUEUED;
    }

    void submitted(AcceptedTask accepted, Span span) {
      if (submitted == null) {
        submitted = span;
        acceptedAt = accepted.acceptedAt();
        preview = CallEnded.preview(accepted.task().task());
        labels = accepted.task().labels();
        webhook = accepted.task().webhook();
      }
    }

    void routed(RoutedTask routed) {
      if (routed.attempt() > attempt || (routed.attempt() == attempt && routed.waits() > waits)) {
        attempt = routed.attempt();
        waits = routed.waits();
        waitsUntil = routed.waitsUntil();
        reason = routed.waitsFor();
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

    void moved(int rank, Span span) {
      if (rank > latestRank) {
        latestRank = rank;
        latest = span;
      }
    }

    /// What was set aside is open again, and an end from before counts no more. What is used from
    /// now on is the prompt that comes with it.
    void replayed(RoutedTask routed, Span span) {
      if (routed.replay() > replays) {
        replays = routed.replay();
        submitted = span;
        state = TaskState.QUEUED;
        endedAt = null;
        end = null;
        reason = null;
        discarded = false;
        decision = routed.decision();
      }
    }

    void ended(TaskEnded by, Span span) {
      String why = by.state() == TaskState.SET_ASIDE ? by.reason() : null;
      if (endedAs(by.state(), by.endedAt(), span, by.replay(), why) && by.decision() != null) {
        decision = by.decision();
      }
    }

    /// The first end wins; a later one counts as a call only.
    boolean endedAs(TaskState as, Instant at, Span span, int replay, @Nullable String why) {
      if (state.isEnd() || replay < replays) {
        return false;
      }
      state = as;
      endedAt = at;
      end = span;
      reason = why;
      return true;
    }
  }

  /// Whether a worker is to be told that nobody wants this call any more.
  @JsonIgnore
  boolean isToStop() {
    return cancelRequested && !state.isEnd();
  }

  @JsonIgnore
  public boolean hasOpenCall() {
    return calls.stream().anyMatch(CallRecord::isOpen);
  }

  /// The calls of one step: a try at a tier, or the classification.
  List<CallRecord> callsOf(Purpose purpose, int ofAttempt) {
    return calls.stream()
        .filter(it -> it.purpose() == purpose && it.attempt() == ofAttempt)
        .toList();
  }

  /// What all calls cost so far; of an open one, what is reserved for it.
  public BigDecimal costUsd() {
    return sum(calls);
  }

  /// What a task that has succeeded took beside its calls. Nothing for others, and for those that
  /// have lain among the dead letters.
  public @Nullable Duration overhead() {
    if (state != TaskState.SUCCEEDED || acceptedAt == null || endedAt == null || replays > 0) {
      return null;
    }
    BigDecimal called =
        calls.stream()
            .map(it -> it.elapsedSeconds() == null ? BigDecimal.ZERO : it.elapsedSeconds())
            .reduce(BigDecimal.ZERO, BigDecimal::add);
    return Duration.between(acceptedAt, endedAt)
        .minusMillis(called.movePointRight(MILLIS_DIGITS).longValue());
  }

  /// What the calls that have ended cost, those of one step among them.
  Spent spentBefore(Purpose purpose, int ofAttempt) {
    return new Spent(
        sum(callsOf(purpose, ofAttempt).stream().filter(it -> !it.isOpen()).toList()),
        sum(calls.stream().filter(it -> !it.isOpen()).toList()));
  }

  private static BigDecimal sum(List<CallRecord> some) {
    return some.stream().map(CallRecord::costUsd).reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  /// Whether it lies in the dead letters and waits for an operator.
  @JsonIgnore
  public boolean isDeadLetter() {
    return state == TaskState.SET_ASIDE && !discarded;
  }

  /// Whether an operator has dealt with the dead letter of this replay of it.
  public boolean isSettled(int replay) {
    return replay < replays || discarded;
  }

  /// Whether an operator has sent it on again and nothing has come of it yet.
  @JsonIgnore
  public boolean isFreshReplay() {
    return state == TaskState.ROUTED
        && decision != null
        && decision.decidedBy() == DecidedBy.OPERATOR
        && callsOf(Purpose.TASK, attempt).isEmpty()
        && latestRank == ROUTED + attempt + waits;
  }

  /// Whether that step has led on to another, so that nothing is left to do for it.
  boolean hasMovedOn(Purpose purpose, int fromAttempt, int fromWaits) {
    return switch (purpose) {
      case TASK -> attempt > fromAttempt || (attempt == fromAttempt && waits > fromWaits);
      case CLASSIFICATION -> classified || attempt > 0;
    };
  }
}
