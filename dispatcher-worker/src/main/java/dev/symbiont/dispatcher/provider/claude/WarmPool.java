package dev.symbiont.dispatcher.provider.claude;

import dev.symbiont.contract.Purpose;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// Processes between two calls: some have answered and forgotten, and are asked again; one of each
/// kind that is in demand was started ahead and has not been told anything.
///
/// There are never more than the memory carries: the one that has rested longest goes first. None
/// outlives its calls, its age, or a call that failed.
final class WarmPool implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(WarmPool.class);
  private static final Duration START_PATIENCE = Duration.ofSeconds(20);
  private static final Duration WITHOUT = Duration.ofMinutes(5);

  /// What a process is started with.
  record Kind(String model, Purpose purpose) {}

  /// What it is told once, for all its prompts.
  record Shape(Kind kind, String system, @Nullable JsonNode jsonSchema) {}

  /// Starts a process.
  interface Starter {
    WarmProcess start(Kind kind) throws IOException;
  }

  private record Resting(WarmProcess process, Kind kind, @Nullable Shape shape, long since) {}

  private final Starter starter;
  private final WarmSettings settings;
  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledExecutorService upkeep =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("warm-upkeep").factory());

  // Guarded by this, the oldest first.
  private final List<Resting> resting = new ArrayList<>();
  private final Set<Kind> starting = new HashSet<>();
  private int busy;
  private long offUntil = System.nanoTime();
  private boolean closed;

  WarmPool(Starter starter, WarmSettings settings) {
    this.starter = starter;
    this.settings = settings;
    long pause = Math.max(1, settings.idle().toMillis() / 4);
    Future<?> _ = upkeep.scheduleWithFixedDelay(this::drain, pause, pause, TimeUnit.MILLISECONDS);
  }

  /// A process that has been told this, for one call; the caller gives it back. Empty if there can
  /// be none, and the call has to be made in another way.
  ///
  /// @param untouched whether it may not have answered anybody before
  Optional<WarmProcess> take(Shape shape, boolean untouched) throws InterruptedException {
    synchronized (this) {
      if (closed || System.nanoTime() - offUntil < 0) {
        return Optional.empty();
      }
      Optional<WarmProcess> known =
          untouched ? Optional.empty() : poll(it -> shape.equals(it.shape()));
      busy++;
      if (known.isPresent()) {
        return known;
      }
    }
    return told(shape);
  }

  /// Back from a call: it is asked again if that can be done in good faith, and ended otherwise.
  void giveBack(WarmProcess process, Shape shape, boolean untouched) {
    try {
      background.execute(() -> clear(process, shape, untouched));
    } catch (RejectedExecutionException e) {
      // The pool was closed during the call.
      end(process, true);
    }
  }

  @Override
  public void close() {
    List<Resting> left;
    synchronized (this) {
      closed = true;
      left = List.copyOf(resting);
      resting.clear();
    }
    upkeep.shutdownNow();
    left.forEach(it -> background.execute(() -> end(it.process(), false)));
    background.close();
  }

  private void clear(WarmProcess process, Shape shape, boolean untouched) {
    boolean rests = false;
    try {
      rests =
          !untouched
              && process.calls() < settings.calls()
              && process.age().compareTo(settings.age()) < 0
              && process.clear()
              && rest(process, shape.kind(), shape, true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (!rests) {
        end(process, true);
      }
    }
  }

  private Optional<WarmProcess> told(Shape shape) throws InterruptedException {
    WarmProcess process;
    try {
      process = untold(shape.kind());
    } catch (IOException e) {
      // The same will happen without us, to somebody who tells of it.
      log.debug("no process for {}: {}", shape.kind(), e.toString());
      notBusy();
      return Optional.empty();
    }
    boolean understood = false;
    try {
      understood = process.initialize(shape.system(), shape.jsonSchema(), START_PATIENCE);
      if (!understood) {
        doWithout();
      }
    } finally {
      if (!understood) {
        background.execute(() -> end(process, true));
      }
    }
    return understood ? Optional.of(process) : Optional.empty();
  }

  /// One that was started ahead, or else a new one; and the next is started ahead.
  private WarmProcess untold(Kind kind) throws IOException {
    Optional<WarmProcess> ahead;
    synchronized (this) {
      ahead = poll(it -> it.shape() == null && it.kind().equals(kind));
    }
    WarmProcess process = ahead.isPresent() ? ahead.get() : starter.start(kind);
    background.execute(() -> startAhead(kind));
    return process;
  }

  private void startAhead(Kind kind) {
    synchronized (this) {
      boolean there = resting.stream().anyMatch(it -> it.shape() == null && it.kind().equals(kind));
      if (closed || there || busy >= settings.most() || !starting.add(kind)) {
        return;
      }
    }
    try {
      WarmProcess process = starter.start(kind);
      if (!rest(process, kind, null, false)) {
        end(process, false);
      }
    } catch (IOException e) {
      log.debug("no process ahead for {}: {}", kind, e.toString());
    } finally {
      synchronized (this) {
        starting.remove(kind);
      }
    }
  }

  /// @param wasBusy whether it comes from a call
  private synchronized boolean rest(
      WarmProcess process, Kind kind, @Nullable Shape shape, boolean wasBusy) {
    if (closed || (!wasBusy && busy >= settings.most())) {
      return false;
    }
    if (wasBusy) {
      busy--;
    }
    resting.add(new Resting(process, kind, shape, System.nanoTime()));
    while (!resting.isEmpty() && resting.size() + busy > settings.most()) {
      Resting oldest = resting.removeFirst();
      background.execute(() -> end(oldest.process(), false));
    }
    return true;
  }

  /// The one that has rested least, so that those not needed are drained.
  private Optional<WarmProcess> poll(Predicate<Resting> wanted) {
    for (int i = resting.size() - 1; i >= 0; i--) {
      Resting it = resting.get(i);
      if (wanted.test(it)) {
        resting.remove(i);
        if (it.process().isQuiet()) {
          return Optional.of(it.process());
        }
        background.execute(() -> end(it.process(), false));
      }
    }
    return Optional.empty();
  }

  private void drain() {
    synchronized (this) {
      resting.removeIf(
          it -> {
            boolean over =
                System.nanoTime() - it.since() > settings.idle().toNanos()
                    || it.process().age().compareTo(settings.age()) > 0;
            if (over) {
              background.execute(() -> end(it.process(), false));
            }
            return over;
          });
    }
  }

  private void doWithout() {
    log.warn(
        "the CLI did not get ready for several prompts; for {} each call is a process of its own",
        WITHOUT);
    synchronized (this) {
      offUntil = System.nanoTime() + WITHOUT.toNanos();
    }
  }

  private void end(WarmProcess process, boolean wasBusy) {
    try {
      process.close();
    } finally {
      if (wasBusy) {
        notBusy();
      }
    }
  }

  private synchronized void notBusy() {
    busy--;
  }
}
