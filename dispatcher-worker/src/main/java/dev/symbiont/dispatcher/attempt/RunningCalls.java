package dev.symbiont.dispatcher.attempt;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// The calls that this worker makes just now, each on the thread that waits for its program.
public final class RunningCalls {

  private final Map<Thread, String> ids = new ConcurrentHashMap<>();
  private final Set<String> stopped = ConcurrentHashMap.newKeySet();

  public List<String> ids() {
    return List.copyOf(ids.values());
  }

  /// Whether this thread waits for a program.
  public boolean isCalling(Thread thread) {
    return ids.containsKey(thread);
  }

  /// Ends a call that nobody wants any more; nothing happens if it has ended.
  public void stop(String callId) {
    for (Thread thread : ids.keySet()) {
      ids.computeIfPresent(
          thread,
          (_, id) -> {
            if (id.equals(callId) && stopped.add(callId)) {
              thread.interrupt();
            }
            return id;
          });
    }
  }

  void begin(String callId) {
    ids.put(Thread.currentThread(), callId);
  }

  /// Returns whether it was stopped. The thread's interrupt was for the call, and ends with it.
  boolean end(String callId) {
    ids.remove(Thread.currentThread());
    boolean wasStopped = stopped.remove(callId);
    if (wasStopped) {
      var _ = Thread.interrupted();
    }
    return wasStopped;
  }
}
