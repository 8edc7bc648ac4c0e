package dev.symbiont.dispatcher.amqp;

import dev.symbiont.contract.Priority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// The few things that a worker holds and has not begun: urgent ones first, but now and then the
/// one that has waited longest, so that a stream of urgent ones starves nobody. One for which it is
/// too early is passed over until its time. When it is too early for all, one is let through at
/// that time to see, and the others follow a little apart.
///
/// @param <E> what is held
final class Backlog<E> {

  private static final int OLDEST_EVERY = 8;
  private static final Duration LONGEST_WAIT = Duration.ofHours(1);
  private static final Duration APART = Duration.ofMillis(100);
  private static final Duration LEAST_APART = Duration.ofMillis(1);

  private static final Comparator<Held<?>> OLDEST = Comparator.comparingLong(Held::number);
  private static final Comparator<Held<?>> MOST_URGENT =
      Comparator.<Held<?>, Priority>comparing(Held::priority).thenComparing(OLDEST);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<Held<E>> all = new ArrayList<>();
  private long numbers;
  private int picks;
  private boolean held;
  private long heldUntil;
  private long apart;

  /// @param number in the order of arrival
  /// @param notBefore on the clock of [System#nanoTime()]
  record Held<E>(E what, Priority priority, long number, long notBefore) {}

  void add(E what, Priority priority) {
    put(new Held<>(what, priority, number(), System.nanoTime()));
  }

  /// Keeps it for another time.
  void putBack(Held<E> it, Duration wait) {
    put(new Held<>(it.what, it.priority, it.number, System.nanoTime() + wait.toNanos()));
  }

  /// The next one whose time has come, as soon as there is one.
  Held<E> take() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (true) {
        long now = System.nanoTime();
        boolean tooEarly = held && heldUntil - now > 0;
        Held<E> next = tooEarly ? null : next(now);
        if (next != null) {
          picks++;
          all.remove(next);
          letOneThrough(now);
          return next;
        }
        long soonest =
            all.stream().mapToLong(it -> it.notBefore - now).min().orElse(LONGEST_WAIT.toNanos());
        var _ = changed.awaitNanos(tooEarly ? Math.max(soonest, heldUntil - now) : soonest);
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Held<E> next(long now) {
    Comparator<Held<?>> order = (picks + 1) % OLDEST_EVERY == 0 ? OLDEST : MOST_URGENT;
    Held<E> best = null;
    for (Held<E> it : all) {
      if (it.notBefore - now <= 0 && (best == null || order.compare(it, best) < 0)) {
        best = it;
      }
    }
    return best;
  }

  /// The others follow ever closer, until it is clear that there is room for all of them.
  private void letOneThrough(long now) {
    heldUntil = now + apart;
    apart /= 2;
    held &= apart > LEAST_APART.toNanos();
  }

  /// For none of them it is worth while to ask before that.
  void holdAll(Duration wait) {
    lock.lock();
    try {
      held = true;
      apart = APART.toNanos();
      heldUntil = System.nanoTime() + wait.toNanos();
    } finally {
      lock.unlock();
    }
  }

  /// It is worth while to ask again for all of them.
  void wake() {
    lock.lock();
    try {
      long now = System.nanoTime();
      held = false;
      all.replaceAll(it -> new Held<>(it.what, it.priority, it.number, now));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private long number() {
    lock.lock();
    try {
      return numbers++;
    } finally {
      lock.unlock();
    }
  }

  private void put(Held<E> it) {
    lock.lock();
    try {
      all.add(it);
      changed.signal();
    } finally {
      lock.unlock();
    }
  }
}
