package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.LetterVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Intake;
import dev.symbiont.hop.Parcel;
import dev.symbiont.ledger.writer.Incoming;
import dev.symbiont.ledger.writer.LedgerFiles;
import dev.symbiont.ledger.writer.Queries;
import dev.symbiont.ledger.writer.Reaction;
import dev.symbiont.ledger.writer.Writer;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where the fleet's messages meet the writer: takes what has come in as one batch, has it written,
/// sends what is to be sent, and acknowledges when the broker has taken that.
public final class LedgerDesk implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(LedgerDesk.class);
  private static final int LARGEST_BATCH = 100;
  private static final Duration RETRY_WRITE_AFTER = Duration.ofSeconds(1);

  private final Hop hop;
  private final Writer writer;
  private final Queries queries;
  private final Health health;
  private final InstantSource clock;
  private final DeadLetterQueue letters;
  private final Reconciliation reconciliation;
  private final Intake intake;
  private final BlockingQueue<Delivery> waiting = new LinkedBlockingQueue<>();
  private final Thread thread;
  private CompletableFuture<Void> settled = CompletableFuture.completedFuture(null);
  private final ExecutorService answers =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("ledger-queries").factory());
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("ledger-heartbeat").factory());

  public LedgerDesk(
      Broker broker,
      Hop hop,
      Topology topology,
      LedgerFiles files,
      Writer writer,
      InstantSource clock,
      Duration heartbeatEvery) {
    this.hop = hop;
    this.writer = writer;
    this.queries = new Queries(files, clock, writer::liveWorkers);
    this.health = new Health(broker, topology, files, clock);
    this.clock = clock;
    this.reconciliation = new Reconciliation(files, queries.index(), broker, hop, clock);
    this.letters = new DeadLetterQueue(broker, hop);
    this.intake = new Intake(broker, hop, List.of(Topology.LEDGER), LARGEST_BATCH, waiting::add);
    this.thread = Thread.ofPlatform().name("ledger-writer").unstarted(this::work);
    // The first snapshot waits until the workers had time to show up.
    var _ =
        timer.scheduleAtFixedRate(
            this::beat, 3_000, heartbeatEvery.toMillis(), TimeUnit.MILLISECONDS);
  }

  public void start() {
    thread.start();
    intake.start();
    var _ = Thread.ofPlatform().daemon().name("ledger-verify").start(() -> health.verify());
  }

  @Override
  public void close() {
    intake.close();
    timer.shutdownNow();
    thread.interrupt();
    try {
      thread.join();
      answers.shutdown();
      if (!answers.awaitTermination(5, TimeUnit.SECONDS)) {
        log.warn("a query did not end in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    queries.close();
  }

  private void work() {
    try {
      while (true) {
        var batch = new ArrayList<Delivery>();
        batch.add(waiting.take());
        waiting.drainTo(batch, LARGEST_BATCH - 1);
        take(batch);
      }
    } catch (InterruptedException e) {
      // Stopping: what is left unacknowledged comes again.
      Thread.currentThread().interrupt();
    }
  }

  private void take(List<Delivery> batch) throws InterruptedException {
    var incoming = new ArrayList<Incoming>();
    var parcels = new ArrayList<Parcel>();
    var questions = new ArrayList<LedgerQuery>();
    var settledLetters = new ArrayList<Runnable>();
    for (Delivery delivery : batch) {
      try {
        if (delivery.exchange().equals(Topology.DEAD_LETTERS)) {
          incoming.add(new Incoming.Happened(DeadLetterQueue.entry(delivery, clock.instant())));
          continue;
        }
        switch (Codec.decode(delivery.schema(), delivery.body())) {
          case Step step -> incoming.add(new Incoming.Happened(step));
          case GrantRequest request -> incoming.add(new Incoming.Asked(request));
          case WorkerBeat beat -> incoming.add(new Incoming.Beat(beat));
          case LedgerQuery.Cancel cancel -> incoming.add(new Incoming.Cancellation(cancel));
          case LedgerQuery.Replay replay when !DeadLetterQueue.isNoTask(replay.taskId()) ->
              incoming.add(new Incoming.Replay(replay));
          case LedgerQuery.Discard discard -> incoming.add(new Incoming.Discard(discard));
          case LedgerQuery query -> questions.add(query);
          case Message other ->
              throw new IllegalArgumentException("not for the ledger: " + Codec.schemaOf(other));
        }
      } catch (UnreadableMessageException | IllegalArgumentException e) {
        parcels.add(Parcel.setAside(delivery, String.valueOf(e.getMessage())));
      }
    }
    for (Reaction reaction : write(incoming)) {
      switch (reaction) {
        case Reaction.Answer(var answer, var replyKey) ->
            parcels.add(Parcel.answer(answer, replyKey));
        case Reaction.GoesOn(var task) ->
            parcels.add(Parcel.step(Topology.routedKey(task.tier(), task.priority()), task));
        case Reaction.Settled(var id, var replay) -> settledLetters.add(() -> remove(id, replay));
        case Reaction.Told(var end, var reply) -> {
          if (reply.key() != null) {
            parcels.add(Parcel.answer(end, reply.key()));
          }
          if (reply.queue() != null) {
            parcels.add(Parcel.result(end.result(), reply.queue(), reply.correlationId()));
          }
        }
        case Reaction.Ended(var end, var reply) -> {
          parcels.add(Parcel.step("task." + end.state().wire(), end, reply.key()));
          if (reply.queue() != null) {
            parcels.add(Parcel.result(end.result(), reply.queue(), reply.correlationId()));
          }
        }
      }
    }
    settled = hop.forwardAll(settled, batch, parcels);
    // After the batch, so that a question sees everything that was confirmed before it was asked.
    questions.forEach(query -> answers.execute(() -> answer(query)));
    settledLetters.forEach(answers::execute);
  }

  /// Does not give up: nothing is acknowledged until it is on disk.
  private List<Reaction> write(List<Incoming> incoming) throws InterruptedException {
    boolean reopen = false;
    while (true) {
      try {
        if (reopen) {
          writer.reopen();
        }
        List<Reaction> reactions = writer.write(incoming);
        health.wrote(null);
        return reactions;
      } catch (IOException | RuntimeException e) {
        log.error(
            "the ledger cannot be written; nothing is acknowledged until it can: {}", e.toString());
        health.wrote(String.valueOf(e.getMessage()));
        reopen = true;
        TimeUnit.MILLISECONDS.sleep(RETRY_WRITE_AFTER.toMillis());
      }
    }
  }

  private void answer(LedgerQuery query) {
    try {
      LedgerAnswer answer =
          switch (query) {
            case LedgerQuery.TaskById it -> queries.answer(it);
            case LedgerQuery.Entries it -> queries.answer(it);
            case LedgerQuery.Stats it -> queries.answer(it);
            case LedgerQuery.Status it -> queries.answer(it, health.last());
            case LedgerQuery.Heartbeat it ->
                new LedgerAnswer.Heartbeat(
                    it.requestId(),
                    Codec.mapper()
                        .valueToTree(health.take(writer.liveWorkers(), writer.ledgerHead())));
            case LedgerQuery.DeadLetters it -> queries.answer(it);
            case LedgerQuery.Reconcile it -> reconciliation.answer(it);
            case LedgerQuery.Replay it -> new LedgerAnswer.Replay(it.requestId(), sendAgain(it));
            case LedgerQuery.Discard _, LedgerQuery.Cancel _ ->
                throw new IllegalStateException("answered by the writer");
          };
      var _ = hop.deliver(List.of(Parcel.answer(answer, query.replyKey())));
    } catch (IOException | RuntimeException e) {
      // The one who asked runs into a timeout and says so.
      log.error("query {} failed", query.requestId(), e);
    }
  }

  /// A message that is no task has no journal entry with its content, so it comes from the queue
  /// itself.
  private LetterVerdict sendAgain(LedgerQuery.Replay query) throws IOException {
    LetterVerdict verdict = letters.sendAgain(query);
    if (verdict == LetterVerdict.DONE) {
      var settledNow = new Discarded(query.taskId(), 0, "replayed by an operator", clock.instant());
      hop.deliver(List.of(Parcel.step(Topology.TASK_DISCARDED, settledNow))).join();
    }
    return verdict;
  }

  private void remove(String id, int replay) {
    try {
      letters.remove(id, replay);
    } catch (IOException | RuntimeException e) {
      log.warn("the dead letter of {} is settled, but still in its queue: {}", id, e.toString());
    }
  }

  private void beat() {
    try {
      health.take(writer.liveWorkers(), writer.ledgerHead());
    } catch (IOException | RuntimeException e) {
      log.error("no heartbeat could be written: {}", e.toString());
    }
  }
}
