package dev.symbiont.ledger.arbiter;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tier.OnUnknown;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.ledger.journal.Span;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The one place that decides about calls: whether one may begin, and when one that began is given
/// up.
///
/// Keeps the tasks in memory that moved lately, and looks the others up: millions of them can wait.
/// Not thread-safe: the writer is its only user. Time passes here in beats of this ledger-writer
/// itself, which wait in the same queue as those of the workers: a backlog delays both alike, so a
/// worker is never given up because the ledger is late or a clock jumped.
public final class Arbiter {

  /// Own beats without one of a worker, after which its calls are given up.
  static final int BEATS_TO_LAPSE = 5;

  private static final int MOST_RECENT = 20_000;

  private final Tiers tiers;
  private final InstantSource clock;
  private final int maxCallsPerStep;
  private final Function<String, Optional<TaskRecord>> lookUp;

  /// The tasks used last. What is not written yet is in [#changed] as well.
  private final Map<String, TaskRecord> recent =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, TaskRecord> eldest) {
          return size() > MOST_RECENT;
        }
      };

  private final Map<String, TaskRecord> changed = new LinkedHashMap<>();
  private final Map<String, CallRecord> openCalls = new LinkedHashMap<>();
  private final Map<String, Seen> workers = new LinkedHashMap<>();
  private long beats;

  private record Seen(WorkerBeat beat, long at) {}

  /// What is answered to a request, and what has to be on disk before.
  ///
  /// @param grant the new call, if there is one
  /// @param endOf the task whose end belongs into the answer, if it has one
  public record Verdict(
      GrantAnswer answer, @Nullable CallGranted grant, @Nullable TaskRecord endOf) {}

  /// @param openCalls the tasks with a call that has no end
  /// @param lookUp finds a task as it was when [#takeChanged()] was called last
  public Arbiter(
      Tiers tiers,
      InstantSource clock,
      int maxCallsPerStep,
      Collection<TaskRecord> openCalls,
      Function<String, Optional<TaskRecord>> lookUp) {
    this.tiers = tiers;
    this.clock = clock;
    this.maxCallsPerStep = maxCallsPerStep;
    this.lookUp = lookUp;
    openCalls.forEach(this::keep);
  }

  /// Whether this event was recorded before.
  public boolean hasSeen(String taskId, String eventId) {
    return find(taskId).filter(task -> task.hasSeen(eventId)).isPresent();
  }

  /// Takes a recorded step into account.
  public void apply(String eventId, Step step, Span span) {
    var task = find(step.taskId()).orElseGet(() -> TaskRecord.unseen(step.taskId()));
    var next = task.after(eventId, step, span);
    keep(next);
    changed.put(next.id(), next);
  }

  /// The tasks that changed since the last call of this, which from now on can be looked up.
  public List<TaskRecord> takeChanged() {
    var all = List.copyOf(changed.values());
    changed.clear();
    return all;
  }

  /// May this call be made? The order of the questions is the order of precedence.
  public Verdict decide(GrantRequest request) {
    String id = request.requestId();
    var task = find(request.taskId()).orElseGet(() -> TaskRecord.unseen(request.taskId()));
    for (CallRecord call : task.calls()) {
      if (call.requestId().equals(id)) {
        // A late copy of the question of a call that has ended: nobody waits for a second grant.
        return answer(
            call.isOpen()
                ? new GrantAnswer.Granted(
                    id, call.callId(), task.spentBefore(call.purpose(), call.attempt()))
                : new GrantAnswer.Finished(id, null));
      }
    }
    if (task.state() == TaskState.CANCELLED) {
      return answer(new GrantAnswer.Cancelled(id));
    }
    if (task.state().isEnd()) {
      return new Verdict(new GrantAnswer.Finished(id, null), null, task);
    }
    if (task.hasMovedOn(request.purpose(), request.attempt())) {
      return answer(new GrantAnswer.Finished(id, null));
    }
    List<CallRecord> before = task.callsOf(request.purpose(), request.attempt());
    for (CallRecord call : before) {
      if (call.isOpen()) {
        return answer(new GrantAnswer.Running(id, call.worker()));
      }
    }
    var spent = task.spentBefore(request.purpose(), request.attempt());
    Instant now = clock.instant();
    if (request.deadline() != null && !now.isBefore(request.deadline())) {
      return answer(new GrantAnswer.Expired(id, spent));
    }
    // A call that was cancelled because its worker had to stop is not the task's fault.
    int begun = (int) before.stream().filter(it -> !it.wasCancelled()).count();
    if (begun >= maxCallsPerStep) {
      return answer(new GrantAnswer.Exhausted(id, begun, spent));
    }
    String callId = "%s/call.%d".formatted(task.id(), task.calls().size() + 1);
    Optional<Tier> tier = tiers.find(request.tier());
    if (request.purpose() == Purpose.TASK
        && !before.isEmpty()
        && before.getLast().isUnknown()
        && tier.map(Tier::onUnknown).orElse(OnUnknown.RETRY) == OnUnknown.FAIL) {
      return answer(new GrantAnswer.Unknown(id, before.getLast().callId(), spent));
    }
    var granted =
        new CallGranted(
            callId,
            id,
            task.id(),
            request.purpose(),
            request.tier(),
            tier.map(Tier::model).orElse(request.tier()),
            request.attempt(),
            request.worker(),
            now,
            tier.map(Tier::typicalCostUsd).orElse(BigDecimal.ZERO),
            request.promptPreview());
    return new Verdict(new GrantAnswer.Granted(id, callId, spent), granted, null);
  }

  /// What is known of a task, open or ended.
  public Optional<TaskRecord> find(String taskId) {
    TaskRecord task = changed.get(taskId);
    if (task == null) {
      task = recent.get(taskId);
    }
    return task == null ? lookUp.apply(taskId) : Optional.of(task);
  }

  /// Notes a sign of life. One of this ledger-writer's own lets time pass: returned are the ends,
  /// as unknown, of the calls whose workers have lapsed.
  public List<CallEnded> beat(WorkerBeat beat, boolean own) {
    if (beat.phase() == WorkerBeat.Phase.STOPPED) {
      workers.put(beat.worker(), new Seen(beat, beats - BEATS_TO_LAPSE));
    } else {
      workers.put(beat.worker(), new Seen(beat, beats));
    }
    if (!own) {
      return List.of();
    }
    beats++;
    workers.values().removeIf(it -> it.at + 10 * BEATS_TO_LAPSE < beats);
    return lapsed();
  }

  /// The last signs of life of the workers that have not lapsed.
  public List<WorkerBeat> liveWorkers() {
    return workers.values().stream()
        .filter(it -> beats - it.at < BEATS_TO_LAPSE)
        .map(Seen::beat)
        .toList();
  }

  private static Verdict answer(GrantAnswer answer) {
    return new Verdict(answer, null, null);
  }

  private List<CallEnded> lapsed() {
    var ends = new ArrayList<CallEnded>();
    for (CallRecord call : openCalls.values()) {
      if (hasLapsed(call.worker())) {
        ends.add(unknownEnd(call));
      }
    }
    return ends;
  }

  /// A worker that was never heard of since this writer started gets the same time as one that fell
  /// silent then.
  private boolean hasLapsed(String worker) {
    Seen seen = workers.get(worker);
    return beats - (seen == null ? 0 : seen.at) >= BEATS_TO_LAPSE;
  }

  private void keep(TaskRecord task) {
    recent.put(task.id(), task);
    for (CallRecord call : task.calls()) {
      if (call.isOpen()) {
        openCalls.put(call.callId(), call);
      } else {
        openCalls.remove(call.callId());
      }
    }
  }

  private CallEnded unknownEnd(CallRecord call) {
    Instant now = clock.instant();
    var usage = new Usage(0, 0, 0, 0, call.costUsd(), CostBasis.UNKNOWN, null);
    var message = "worker %s fell silent during the call".formatted(call.worker());
    return new CallEnded(
        call.callId(),
        call.taskId(),
        call.purpose(),
        call.tier(),
        call.model(),
        call.attempt(),
        call.worker(),
        now,
        BigDecimal.valueOf(java.time.Duration.between(call.grantedAt(), now).toMillis(), 3),
        new Outcome.Unknown(message),
        usage,
        false,
        call.promptPreview(),
        null);
  }
}
