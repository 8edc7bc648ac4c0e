package dev.symbiont.dispatcher.amqp;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.TraceAttributes;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.amqp.Backlog.Held;
import dev.symbiont.dispatcher.attempt.Attempt;
import dev.symbiont.dispatcher.attempt.Next;
import dev.symbiont.dispatcher.attempt.RunningCalls;
import dev.symbiont.dispatcher.attempt.TierBoard;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Intake;
import dev.symbiont.hop.Parcel;
import io.opentelemetry.api.trace.Span;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/// Works off the queues of one tier, so many at a time as the tier allows, urgent ones first.
///
/// Threads are platform threads: each spends its time waiting for a child process.
public final class DispatcherDesk implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(DispatcherDesk.class);
  private static final Duration AFTER_INTERRUPT = Duration.ofSeconds(15);

  private final Tier tier;
  private final Tiers tiers;
  private final TierBoard board;
  private final Hop hop;
  private final Attempt attempt;
  private final RunningCalls running;
  private final Duration stopGrace;
  private final Intake intake;
  private final Backlog<Assignment> backlog = new Backlog<>();
  private final Map<Long, CompletableFuture<Void>> settling = new ConcurrentHashMap<>();
  private final List<Slot> slots = new ArrayList<>();
  private volatile boolean stopping;

  private record Assignment(Work work, Delivery delivery) {}

  /// @param stopGrace how long a running call may take to end by itself when the worker is stopped
  public DispatcherDesk(
      Attempt attempt,
      Tiers tiers,
      TierBoard board,
      RunningCalls running,
      Broker broker,
      Hop hop,
      Duration stopGrace) {
    this.tier = attempt.tier();
    this.tiers = tiers;
    this.board = board;
    this.hop = hop;
    this.attempt = attempt;
    this.running = running;
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
    board.onChange(this::tiersChanged);
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
        .filter(slot -> !running.isCalling(slot.thread))
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
    backlog.add(new Assignment(work, delivery), work.priority());
  }

  /// While no tier takes calls, what lies in the queues is best left there. Only those of the
  /// cheapest tier are worked off even then: classifications in them go back to the router.
  private void tiersChanged() {
    boolean nowhereToGo =
        !tier.equals(tiers.cheapest()) && tiers.names().stream().noneMatch(board::maybeOpen);
    intake.pause(nowhereToGo);
    backlog.wake();
  }

  private void join(Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    for (Slot slot : slots) {
      try {
        var left = Duration.ofNanos(Math.max(1, end - System.nanoTime()));
        if (slot.thread.isAlive() && !slot.thread.join(left)) {
          log.debug("{} is still busy", slot.thread.getName());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /// Completes when the broker has it all and the work is acknowledged.
  private CompletableFuture<Void> settle(Held<Assignment> it, Next next) {
    Delivery from = it.what().delivery();
    Reply reply = it.what().work().accepted().reply();
    return switch (next) {
      case Next.Ended(TaskEnded end) -> {
        if (end.state() != TaskState.SUCCEEDED) {
          log.info("task {} is {}: {}", end.taskId(), end.state().wire(), end.reason());
        }
        var parcels = new ArrayList<Parcel>();
        parcels.add(Parcel.step("task." + end.state().wire(), end, reply.key()));
        parcels.addAll(resultFor(reply, end));
        yield hop.forward(from, parcels);
      }
      case Next.FallsBack(RoutedTask task) -> {
        log.info("task {} falls back from {} to {}", task.taskId(), tier.name(), task.tier());
        String key = Topology.routedKey(task.tier(), task.priority());
        yield hop.forward(from, List.of(Parcel.step(key, task)));
      }
      case Next.Classified(CallEnded call) ->
          hop.forward(from, List.of(Parcel.step(Topology.CALL_CLASSIFIED, call)));
      case Next.EndedBefore(TaskEnded end) -> hop.forward(from, resultFor(reply, end));
      case Next.Waits(RoutedTask task) -> {
        log.info(
            "task {} waits for {} until {}: {}",
            task.taskId(),
            task.tier(),
            task.waitsUntil(),
            task.waitsFor());
        yield hop.forward(from, List.of(Parcel.step(Topology.parkedKey(task.tier()), task)));
      }
      case Next.Declined(Classification question) ->
          hop.forward(from, List.of(Parcel.step(Topology.CALL_DECLINED, question)));
      case Next.AskAgain(Duration after, boolean forAll) -> {
        // Without a slot, which has better to do than to wait.
        if (forAll) {
          backlog.holdAll(after);
          backlog.putBack(it, Duration.ZERO);
        } else {
          backlog.putBack(it, after);
        }
        yield CompletableFuture.completedFuture(null);
      }
      case Next.Nothing() -> hop.forward(from, List.of());
      case Next.PutBack() -> {
        hop.putBack(from);
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
          attempt.pace();
          Held<Assignment> next = backlog.take();
          if (!stopping) {
            run(next);
          }
        } catch (InterruptedException e) {
          // Stopping: what was not begun goes back to the broker with the connection.
          return;
        }
      }
    }

    private void run(Held<Assignment> it) throws InterruptedException {
      Work work = it.what().work();
      Delivery from = it.what().delivery();
      // Whatever is logged on the way, also where nobody knows what a task is.
      try (var _ = MDC.putCloseable("task", work.taskId())) {
        CompletableFuture<Void> settled =
            hop.traces()
                .process(
                    from,
                    () -> {
                      Span.current().setAttribute(TraceAttributes.TASK, work.taskId());
                      return settle(it, attempt.run(work, from.redelivered()));
                    });
        settling.put(it.number(), settled);
        var _ = settled.whenComplete((_, _) -> settling.remove(it.number()));
      } catch (RuntimeException e) {
        log.error("task {} cannot be worked on", work.taskId(), e);
        var _ = hop.setAside(from, "cannot be worked on: " + e);
      }
    }
  }
}
