package dev.symbiont.ledger.arbiter;

import dev.symbiont.contract.WorkerBeat;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Which workers are alive, and whether they still know of their calls.
///
/// Time passes here in beats of this ledger-writer itself, which wait in the same queue as those of
/// the workers: a backlog delays both alike, so a worker is never given up because the ledger is
/// late or a clock jumped.
final class Workers {

  /// Own beats without one of a worker, after which its calls are given up.
  private static final int BEATS_TO_LAPSE = 5;

  /// Own beats without a word of a call from a worker that is alive, after which that call is given
  /// up: its grant was lost on the way. Long enough for a lost answer to be asked for again.
  private static final int BEATS_TO_FORGET = 15;

  private final Map<String, Seen> workers = new LinkedHashMap<>();

  /// By call, the own beat at which its worker named it last, or at which it was seen first.
  private final Map<String, Long> named = new HashMap<>();

  private long beats;

  private record Seen(WorkerBeat beat, long at) {}

  void heard(WorkerBeat beat) {
    boolean stopped = beat.phase() == WorkerBeat.Phase.STOPPED;
    workers.put(beat.worker(), new Seen(beat, stopped ? beats - BEATS_TO_LAPSE : beats));
    beat.running().forEach(call -> named.replace(call, beats));
  }

  /// Lets time pass.
  void pass(Collection<CallRecord> openCalls) {
    beats++;
    workers.values().removeIf(it -> it.at + 10 * BEATS_TO_LAPSE < beats);
    Set<String> open = openCalls.stream().map(CallRecord::callId).collect(Collectors.toSet());
    named.keySet().retainAll(open);
    open.forEach(call -> named.putIfAbsent(call, beats));
  }

  /// The last signs of life of the workers that have not lapsed.
  List<WorkerBeat> alive() {
    return workers.values().stream()
        .filter(it -> beats - it.at < BEATS_TO_LAPSE)
        .map(Seen::beat)
        .toList();
  }

  /// Why this call will not end by itself any more, if it is so.
  Optional<String> givenUp(CallRecord call) {
    if (hasLapsed(call.worker())) {
      return Optional.of("worker %s fell silent during the call".formatted(call.worker()));
    }
    if (beats - named.getOrDefault(call.callId(), beats) >= BEATS_TO_FORGET) {
      return Optional.of("worker %s does not know of the call".formatted(call.worker()));
    }
    return Optional.empty();
  }

  /// A worker that was never heard of since this writer started gets the same time as one that fell
  /// silent then.
  private boolean hasLapsed(String worker) {
    Seen seen = workers.get(worker);
    return beats - (seen == null ? 0 : seen.at) >= BEATS_TO_LAPSE;
  }
}
