package dev.symbiont.dispatcher.amqp;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.attempt.Attempt;
import dev.symbiont.dispatcher.attempt.Next;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Intake;
import dev.symbiont.hop.Parcel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Works off the queues of one tier, so many at a time as the tier allows, urgent ones first.
///
/// Threads are platform threads: each spends its time waiting for a child process.
public final class DispatcherDesk implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(DispatcherDesk.class);
  private static final Duration ASK_AGAIN_AFTER = Duration.ofSeconds(1);
  private static final Duration AFTER_INTERRUPT = Duration.ofSeconds(15);

  private final Tier tier;
  private final Hop hop;
  private final Attempt attempt;
  private final Duration stopGrace;
  private final Intake intake;
  private final PriorityBlockingQueue<Held> held =
      new PriorityBlockingQueue<>(
          16,
          Comparator.comparing((Held it) -> it.work.priority()).thenComparingLong(Held::number));
  private final Map<Long, CompletableFuture<Void>> settling = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final List<Slot> slots = new ArrayList<>();
  private volatile boolean stopping;

  /// @param asked whether the ledger was asked about it before
  private record Held(Work work, Delivery delivery, long number, boolean asked) {}

  /// @param stopGrace how long a running call may take to end by itself when the worker is stopped
  public DispatcherDesk(Tier tier, Broker broker, Hop hop, Attempt attempt, Duration stopGrace) {
    this.tier = tier;
    this.hop = hop;
    this.attempt = attempt;
    this.stopGrace = stopGrace;
    List<String> queues =
        Arrays.stream(Priority.values())
            .map(priority -> Topology.tier(tier.name(), priority))
            .toList();
    // Twice as many as there are slots: the next urgent one must be here when a slot gets free.
    this.intake = new Intake(broker, hop, queues, 2 * tier.concurrency(), this::receive);
    for (int i = 1; i <= tier.concurrency(); i++) {
      slots.add(new Slot(tier.name() + "-" + i));
    }
  }

  public void start() {
    slots.forEach(slot -> slot.thread.start());
    intake.start();
  }

  /// Takes nothing more, lets running calls end for a while, then ends them.
  @Override
  public void close() {
    stopping = true;
    intake.stop();
    slots.stream()
        .filter(slot -> !attempt.isCalling(slot.thread))
        .forEach(slot -> slot.thread.interrupt());
    join(stopGrace);
    slots.forEach(slot -> slot.thread.interrupt());
    join(AFTER_INTERRUPT);
    // What was told of must be acknowledged while there is a channel to do it on.
    CompletableFuture.allOf(settling.values().toArray(CompletableFuture<?>[]::new))
        .completeOnTimeout(null, AFTER_INTERRUPT.toMillis(), TimeUnit.MILLISECONDS)
        .exceptionally(
            _ -> null) // not taken by the broker: the work comes again, and is recognised
        .join();
    intake.close();
  }

  private void receive(Delivery delivery) {
    var work = (Work) Codec.decode(delivery.schema(), delivery.body());
    if (!work.tier().equals(tier.name())) {
      throw new IllegalArgumentException(
          "work for tier %s in a queue of %s".formatted(work.tier(), tier.name()));
    }
    held.add(new Held(work, delivery, numbers.incrementAndGet(), false));
  }

  private void join(Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    for (Slot slot : slots) {
      try {
        var left = Duration.ofNanos(Math.max(1, end - System.nanoTime()));
        if (!slot.thread.join(left)) {
          log.debug("{} is still busy", slot.thread.getName());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /// Completes when the broker has it all and the work is acknowledged.
  private CompletableFuture<Void> settle(Held it, Next next) {
    Reply reply = it.work.accepted().reply();
    return switch (next) {
      case Next.Ended(TaskEnded end) -> {
        var parcels = new ArrayList<Parcel>();
        parcels.add(Parcel.step("task." + end.state().wire(), end, reply.key()));
        parcels.addAll(resultFor(reply, end));
        yield hop.forward(it.delivery, parcels);
      }
      case Next.FallsBack(RoutedTask task) -> {
        log.info("task {} falls back from {} to {}", task.taskId(), tier.name(), task.tier());
        String key = Topology.routedKey(task.tier(), task.priority());
        yield hop.forward(it.delivery, List.of(Parcel.step(key, task)));
      }
      case Next.Classified(CallEnded call) ->
          hop.forward(it.delivery, List.of(Parcel.step(Topology.CALL_CLASSIFIED, call)));
      case Next.EndedBefore(TaskEnded end) -> hop.forward(it.delivery, resultFor(reply, end));
      case Next.AskAgain() -> {
        // Without a slot, which has better to do than to wait.
        CompletableFuture.delayedExecutor(ASK_AGAIN_AFTER.toMillis(), TimeUnit.MILLISECONDS)
            .execute(() -> held.add(new Held(it.work, it.delivery, it.number, true)));
        yield CompletableFuture.completedFuture(null);
      }
      case Next.Nothing() -> hop.forward(it.delivery, List.of());
      case Next.PutBack() -> {
        hop.putBack(it.delivery);
        yield CompletableFuture.completedFuture(null);
      }
    };
  }

  private static List<Parcel> resultFor(Reply reply, TaskEnded end) {
    return reply.queue() == null
        ? List.of()
        : List.of(Parcel.result(end.result(), reply.queue(), reply.correlationId()));
  }

  /// One call at a time.
  private final class Slot {
    final Thread thread;

    Slot(String name) {
      thread = Thread.ofPlatform().name(name).unstarted(this::work);
    }

    private void work() {
      while (!stopping) {
        try {
          Held next = held.take();
          if (!stopping) {
            run(next);
          }
        } catch (InterruptedException e) {
          // Stopping: what was not begun goes back to the broker with the connection.
          return;
        }
      }
    }

    private void run(Held it) throws InterruptedException {
      try {
        CompletableFuture<Void> settled =
            settle(it, attempt.run(it.work, it.delivery.redelivered(), it.asked));
        settling.put(it.number, settled);
        var _ = settled.whenComplete((_, _) -> settling.remove(it.number));
      } catch (RuntimeException e) {
        log.error("task {} cannot be worked on", it.work.taskId(), e);
        var _ = hop.setAside(it.delivery, "cannot be worked on: " + e);
      }
    }
  }
}
