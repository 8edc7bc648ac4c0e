package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TierState.Phase;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// How the tiers stand, as far as this worker was told. A hint: it says where asking for a grant is
/// worth while, and a tier of which nothing is known counts as open.
public final class TierBoard {

  private final Map<String, TierState> states = new ConcurrentHashMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  /// Called after each change, on the thread that brought it.
  public void onChange(Runnable listener) {
    listeners.add(listener);
  }

  public void put(TierState state) {
    TierState before = states.put(state.tier(), state);
    if (!state.equals(before)) {
      listeners.forEach(Runnable::run);
    }
  }

  public boolean isOpen(String tier) {
    TierState state = states.get(tier);
    return state == null || state.isOpen();
  }

  /// Whether asking for a grant there may bring one.
  public boolean maybeOpen(String tier) {
    TierState state = states.get(tier);
    return state == null || state.isOpen() || state.phase() == Phase.PROBING;
  }

  /// When a closed tier is tried again; absent if nobody knows.
  @Nullable Instant opensAt(String tier) {
    TierState state = states.get(tier);
    return state == null ? null : state.until();
  }
}
