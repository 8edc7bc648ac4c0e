package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.LetterVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Webhook;
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
import io.opentelemetry.api.trace.Span;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// Where the fleet's messages meet the writer: takes what has come in as one batch, has it written,
/// sends what is to be sent, and acknowledges when the broker has taken that.
public final class LedgerDesk implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(LedgerDesk.class);
  private static final int LARGEST_BATCH = 100;
  private static final Duration RETRY_WRITE_AFTER = Duration.ofSeconds(1);
  private static final Duration REPEAT_TIERS_EVERY = Duration.ofSeconds(5);
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

  /// So long without anything new, and there is time for ledger and index.
  private static final Duration LULL = Duration.ofMillis(25);

  private final Hop hop;
  private final Writer writer;
  private final Queries queries;
  private final Health health;
  private final InstantSource clock;
  private final DeadLetterQueue letters;
  private final Reconciliation reconciliation;
  private final Parking parking;
  private final TierReport tierReport;
  private final List<TierWatcher> watchers;
  private final Set<String> toldOf = new HashSet<>();
  private final Intake intake;
  private final BlockingQueue<Delivery> waiting = new LinkedBlockingQueue<>();
  private final Thread thread;

  /// Whether the last write failed, so that the files have to be read again.
  private boolean broken;

  private CompletableFuture<Void> settled = CompletableFuture.completedFuture(null);
  private CompletableFuture<Void> repeated = CompletableFuture.completedFuture(null);
  private final ExecutorService answers =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("ledger-queries").factory());
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("ledger-heartbeat").factory());

  public LedgerDesk(
      Broker broker,
      Hop hop,
      Tiers tiers,
      LedgerFiles files,
      Writer writer,
      InstantSource clock,
      Duration heartbeatEvery,
      List<TierWatcher> watchers) {
    Topology topology = Topology.of(tiers.names());
    this.hop = hop;
    this.writer = writer;
    this.queries = new Queries(files, clock, writer::liveWorkers, writer::tiers);
    this.health = new Health(broker, topology, files, clock);
    this.clock = clock;
    this.watchers = watchers;
    this.reconciliation = new Reconciliation(files, queries.index(), broker, hop, clock);
    this.letters = new DeadLetterQueue(broker, hop);
    this.parking = new Parking(broker, hop);
    this.tierReport = new TierReport(tiers, writer::budgets, broker, queries.index());
    this.intake = new Intake(broker, hop, List.of(Topology.LEDGER), LARGEST_BATCH, waiting::add);
    this.thread = Thread.ofPlatform().name("ledger-writer").unstarted(this::work);
    // The first snapshot waits until the workers had time to show up.
    var _ =
        timer.scheduleAtFixedRate(
            this::beat, 3_000, heartbeatEvery.toMillis(), TimeUnit.MILLISECONDS);
    var _ =
        timer.scheduleWithFixedDelay(
            this::repeatTiers,
            REPEAT_TIERS_EVERY.toMillis(),
            REPEAT_TIERS_EVERY.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  public void start() {
    thread.start();
    intake.start();
    var _ = Thread.ofPlatform().daemon().name("ledger-verify").start(() -> health.verify());
  }

  /// Whether the last write succeeded. May be called from any thread.
  public boolean isWritable() {
    return health.isWritable();
  }

  /// When the last health snapshot was taken. May be called from any thread.
  public Optional<Instant> lastHeartbeat() {
    return Optional.ofNullable(health.last());
  }

  @Override
  public void close() {
    intake.close();
    timer.shutdownNow();
    parking.close();
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
        Duration patience = writer.isBehind() ? LULL : untilNextOpening();
        Delivery first = waiting.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
        if (first != null) {
          batch.add(first);
        }
        waiting.drainTo(batch, LARGEST_BATCH - 1);
        take(batch);
      }
    } catch (InterruptedException e) {
      // Stopping: what is left unacknowledged comes again.
      if (!broken) {
        project();
      }
      Thread.currentThread().interrupt();
    }
  }

  private void project() {
    try {
      writer.project();
    } catch (IOException | RuntimeException e) {
      log.warn("the ledger is completed at the next start: {}", e.toString());
    }
  }

  /// A tier is tried again on time, also while nothing comes in.
  private Duration untilNextOpening() {
    Duration left =
        writer
            .nextOpening()
            .map(it -> Duration.between(clock.instant(), it).plusMillis(1))
            .orElse(LONGEST_WAIT);
    return left.compareTo(LONGEST_WAIT) < 0 ? left : LONGEST_WAIT;
  }

  private void take(List<Delivery> batch) throws InterruptedException {
    List<Span> spans = batch.stream().filter(Delivery::isTraced).map(hop.traces()::begin).toList();
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
        Message message = Codec.decode(delivery.schema(), delivery.body());
        requireReplyKey(message);
        switch (message) {
          case Step step -> incoming.add(new Incoming.Happened(step, delivery.body()));
          case GrantRequest request -> incoming.add(new Incoming.Asked(request));
          case WorkerBeat beat -> incoming.add(new Incoming.Beat(beat));
          case LedgerQuery.Cancel cancel -> incoming.add(new Incoming.Cancellation(cancel));
          case LedgerQuery.Replay replay when !DeadLetterQueue.isNoTask(replay.taskId()) ->
              incoming.add(new Incoming.Replay(replay));
          case LedgerQuery.SetTier set -> incoming.add(new Incoming.TierSetting(set));
          case LedgerQuery.SetKey set -> incoming.add(new Incoming.KeySetting(set));
          case LedgerQuery.Discard discard -> incoming.add(new Incoming.Discard(discard));
          case LedgerQuery query -> questions.add(query);
          case Message other ->
              throw new IllegalArgumentException("not for the ledger: " + Codec.schemaOf(other));
        }
      } catch (UnreadableMessageException | IllegalArgumentException e) {
        parcels.add(Parcel.setAside(delivery, String.valueOf(e.getMessage())));
      }
    }
    if (incoming.isEmpty()) {
      incoming.add(new Incoming.Tick());
    }
    // A question sees everything that was confirmed before it was asked.
    boolean project = batch.isEmpty() || !questions.isEmpty();
    List<Reaction> reactions = write(incoming, project);
    for (Incoming it : incoming) {
      if (it instanceof Incoming.Happened(Step step, _)) {
        tell(step);
      }
    }
    for (Reaction reaction : reactions) {
      switch (reaction) {
        case Reaction.TierChanged(var state) -> {
          parcels.add(Parcel.tier(Topology.changedKey(state), state));
          changed(state).forEach(it -> parcels.add(Parcel.webhook(Topology.WEBHOOK_DUE, it)));
        }
        case Reaction.KeyChanged(var key) -> parcels.add(Parcel.answer(key, Topology.KEY_SET));
        case Reaction.Parked(var tier, var until) -> parked(tier, until);
        case Reaction.Stop(var owner, var call) ->
            parcels.add(Parcel.answer(call, Topology.replyKey(owner)));
        case Reaction.Answer(var answer, var replyKey) ->
            parcels.add(Parcel.answer(answer, replyKey));
        case Reaction.GoesOn(var task) ->
            parcels.add(Parcel.step(Topology.routedKey(task.tier(), task.priority()), task));
        case Reaction.Called(var webhook) ->
            parcels.add(Parcel.webhook(Topology.WEBHOOK_DUE, webhook));
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
          tell(end);
          parcels.add(Parcel.step("task." + end.state().wire(), end, reply.key()));
          if (reply.queue() != null) {
            parcels.add(Parcel.result(end.result(), reply.queue(), reply.correlationId()));
          }
        }
      }
    }
    settled =
        batch.isEmpty()
            ? settled.runAfterBoth(hop.deliver(parcels), () -> {})
            : hop.forwardAll(settled, batch, parcels);
    if (!spans.isEmpty()) {
      var _ = settled.whenComplete((_, _) -> spans.forEach(Span::end));
    }
    questions.forEach(query -> answers.execute(() -> answer(query)));
    settledLetters.forEach(answers::execute);
  }

  /// What an operator looks for; nothing of what went well, which is most.
  private static void tell(Step recorded) {
    switch (recorded) {
      case TaskEnded end when end.state() != TaskState.SUCCEEDED ->
          log.atInfo()
              .addKeyValue("task", end.taskId())
              .log("task {} is recorded as {}: {}", end.taskId(), end.state().wire(), end.reason());
      case SetAside aside ->
          log.atInfo()
              .addKeyValue("task", aside.taskId())
              .log("task {} is recorded as set aside: {}", aside.taskId(), aside.reason());
      case Step step ->
          log.atDebug()
              .addKeyValue("task", step.taskId())
              .log("{} of task {} is recorded", step.eventId(), step.taskId());
    }
  }

  /// An answer to anywhere else would be a message in somebody else's name.
  private static void requireReplyKey(Message message) {
    String key =
        switch (message) {
          case GrantRequest request -> request.replyKey();
          case LedgerQuery query -> query.replyKey();
          default -> null;
        };
    if (key != null && !Topology.isReplyKey(key)) {
      throw new IllegalArgumentException("reply_key: '%s' is nobody's reply key".formatted(key));
    }
  }

  /// Returns who wants to be called about it.
  private List<Webhook> changed(TierState state) {
    boolean asEver = toldOf.add(state.tier()) && state.isOpen();
    log.atLevel(asEver ? Level.DEBUG : Level.INFO)
        .log("tier {} is {}{}", state.tier(), state.phase().wire(), why(state));
    switch (state.phase()) {
      case OPEN -> parking.releaseAllIn(state.tier(), Duration.ZERO);
      case PROBING -> parking.releaseOne(state.tier());
      case LIMITED, UNAUTHENTICATED, PAUSED -> {
        // whoever waits goes on waiting
      }
    }
    return asEver ? List.of() : watchers.stream().flatMap(it -> it.call(state).stream()).toList();
  }

  private static String why(TierState state) {
    // While it is probed, that time has passed.
    String until =
        state.phase() == TierState.Phase.LIMITED ? " until %s".formatted(state.until()) : "";
    return state.reason() == null ? until : until + ": " + state.reason();
  }

  /// A task has begun to wait. If that is not for the tier to open, time alone wakes it.
  private void parked(String tier, @Nullable Instant until) {
    if (writer.tiers().of(tier).filter(TierState::isOpen).isPresent()) {
      parking.releaseAllIn(
          tier, until == null ? Duration.ZERO : Duration.between(clock.instant(), until));
    }
  }

  /// For those who came late or had no connection, and so that a probe is found even if the first
  /// task that was sent back for one was cancelled meanwhile.
  private void repeatTiers() {
    var now = writer.tiers();
    if (repeated.isDone()) {
      repeated =
          hop.deliver(
              now.states().stream().map(it -> Parcel.tier(Topology.repeatedKey(it), it)).toList());
    }
    now.wantProbe().forEach(parking::releaseOne);
  }

  /// Does not give up: nothing is acknowledged until it is on disk.
  ///
  /// @param project whether ledger and index shall be up to date then
  private List<Reaction> write(List<Incoming> incoming, boolean project)
      throws InterruptedException {
    while (true) {
      try {
        if (broken) {
          writer.reopen();
          broken = false;
        }
        List<Reaction> reactions = writer.write(incoming);
        if (project) {
          writer.project();
        }
        health.wrote(null);
        return reactions;
      } catch (IOException | RuntimeException e) {
        log.error(
            "the ledger cannot be written; nothing is acknowledged until it can: {}", e.toString());
        health.wrote(String.valueOf(e.getMessage()));
        broken = true;
        TimeUnit.MILLISECONDS.sleep(RETRY_WRITE_AFTER.toMillis());
      }
    }
  }

  private void answer(LedgerQuery query) {
    try {
      LedgerAnswer answer =
          switch (query) {
            case LedgerQuery.TaskById it -> queries.answer(it);
            case LedgerQuery.Events it -> queries.answer(it);
            case LedgerQuery.Tasks it -> queries.answer(it);
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
            case LedgerQuery.Tokens it -> queries.answer(it);
            case LedgerQuery.Keys it -> queries.answer(it);
            case LedgerQuery.Tiers it -> tierReport.answer(it, writer.tiers());
            case LedgerQuery.Replay it -> new LedgerAnswer.Replay(it.requestId(), sendAgain(it));
            case LedgerQuery.Discard _,
                LedgerQuery.Cancel _,
                LedgerQuery.SetTier _,
                LedgerQuery.SetKey _ ->
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
