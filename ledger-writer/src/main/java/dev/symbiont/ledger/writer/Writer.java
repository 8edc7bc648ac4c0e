package dev.symbiont.ledger.writer;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CancelRequested;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.KeySet;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.LedgerAnswer.LetterVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.arbiter.Arbiter;
import dev.symbiont.ledger.arbiter.Backoff;
import dev.symbiont.ledger.arbiter.Budget;
import dev.symbiont.ledger.arbiter.CallRecord;
import dev.symbiont.ledger.arbiter.TaskRecord;
import dev.symbiont.ledger.index.Index;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.ChainedLog.Mark;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.journal.Span;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The fleet's memory. Each batch goes through one order: decide, append to the journal, force it
/// to disk, and only then let the answers out. Ledger and index follow, when there is time or they
/// lag too far behind. Used by one thread.
///
/// A crash at any point leaves the journal as the truth: on the next start the index is brought up
/// from its mark, the ledger is completed, and whatever was not acknowledged comes again and is
/// recognised by its event ids.
public final class Writer implements AutoCloseable {

  private final LedgerFiles files;
  private final Tiers tiers;
  private final InstantSource clock;
  private final Arbiter.Rules rules;
  private final String worker;
  private final Lag lag;
  private final Figures figures;
  private long countedLines;
  private volatile Behind behind = Behind.NOT;
  private volatile List<WorkerBeat> liveWorkers = List.of();
  private volatile TierSnapshot tiersNow;
  private volatile List<Budget> budgets;
  private Map<String, TierState> told = Map.of();
  private volatile Mark ledgerHead;
  private OpenFiles open;
  private Arbiter arbiter;

  /// Tasks of which a dispatcher was told why they are not called, and has not told yet what
  /// follows from it. If it is their end, no other end must come before it.
  private final Set<String> refused = new HashSet<>();

  /// How the tiers stand, for queries.
  ///
  /// @param wantProbe tiers that may be open again and of which nobody knows yet
  public record TierSnapshot(
      List<TierState> states,
      List<String> wantProbe,
      Map<String, Integer> rateUsed,
      Map<String, BigDecimal> spentToday) {

    /// Nothing for a tier that is not configured.
    public Optional<TierState> of(String tier) {
      return states.stream().filter(it -> it.tier().equals(tier)).findFirst();
    }
  }

  /// How much of the journal ledger and index lack, and since when.
  private record Behind(long lines, long sinceNanos) {
    static final Behind NOT = new Behind(0, 0);
  }

  /// Something to send, which may need a line of the journal that is not written yet.
  private interface Pending {
    Reaction read() throws IOException;
  }

  /// Opens the files in a folder that the caller has locked, and repairs what a crash has left
  /// undone.
  ///
  /// @param worker this ledger-writer's own worker id, whose beats let time pass
  /// @param lag how far ledger and index may lag behind after a batch
  public Writer(
      LedgerFiles files,
      Tiers tiers,
      InstantSource clock,
      Arbiter.Rules rules,
      String worker,
      Lag lag,
      Figures figures)
      throws IOException {
    this.files = files;
    this.tiers = tiers;
    this.clock = clock;
    this.rules = rules;
    this.worker = worker;
    this.lag = lag;
    this.figures = figures;
    this.open = OpenFiles.open(files, rules.backoff());
    this.arbiter = arbiter();
    this.ledgerHead = open.ledger().mark();
    this.countedLines = open.journal().mark().lines();
    this.tiersNow = snapshot();
    this.budgets = arbiter.budgets();
  }

  /// Builds the index anew in a folder that the caller has locked, and returns what else was
  /// repaired on the way, one sentence each.
  public static List<String> reindex(LedgerFiles files, Backoff backoff) throws IOException {
    Index.delete(files.index());
    try (OpenFiles open = OpenFiles.open(files, backoff)) {
      return open.repairs();
    }
  }

  /// What was cut off or completed on opening, one sentence each.
  public List<String> repairs() {
    return open.repairs();
  }

  /// Takes a batch. When this returns, everything in it is on disk, and the reactions may be sent.
  /// When it throws, nothing may be acknowledged: call [#reopen()], then try the same batch again.
  public List<Reaction> write(List<Incoming> incoming) throws IOException {
    open.roll(LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC), arbiter);
    var pending = new ArrayList<Pending>();
    for (Incoming it : incoming) {
      switch (it) {
        case Incoming.Happened(SetAside aside, _) -> setAside(aside, pending);
        case Incoming.Happened(Step step, var json) -> {
          boolean late = happened(step.eventId(), step, json);
          if (step instanceof RoutedTask task && task.waitsFor() != null) {
            // If its tier is open by now, nobody would wake it.
            pending.add(() -> new Reaction.Parked(task.tier(), task.waitsUntil()));
          }
          if (step instanceof TaskEnded end && !late) {
            callWebhook(end, pending);
          }
          endIfCancelled(step.taskId(), pending);
        }
        case Incoming.Asked(GrantRequest request) -> pending.add(decide(request));
        case Incoming.Cancellation(LedgerQuery.Cancel query) -> cancel(query, pending);
        case Incoming.Replay(LedgerQuery.Replay query) -> replay(query, pending);
        case Incoming.Discard(LedgerQuery.Discard query) -> discard(query, pending);
        case Incoming.Beat(WorkerBeat beat) -> {
          for (CallEnded unknown : arbiter.beat(beat, beat.worker().equals(worker))) {
            // Not the id of the end itself: that may still come, and then corrects this.
            happened(unknown.callId() + "/unknown", unknown);
            endIfCancelled(unknown.taskId(), pending);
          }
          if (beat.worker().equals(worker)) {
            // The worker may not have got it: it had no connection just then.
            arbiter.callsToStop().forEach(call -> pending.add(() -> stop(call)));
          }
        }
        case Incoming.TierSetting(LedgerQuery.SetTier query) -> set(query, pending);
        case Incoming.KeySetting(LedgerQuery.SetKey query) -> set(query, pending);
        case Incoming.Tick() -> {
          // What follows from the time is seen below.
        }
      }
    }
    liveWorkers = arbiter.liveWorkers();
    force((int) incoming.stream().filter(it -> !(it instanceof Incoming.Tick)).count());
    if (open.isBehind(lag)) {
      project();
    }
    tiersNow = snapshot();
    var reactions = new ArrayList<Reaction>(changedTiers());
    for (Pending it : pending) {
      reactions.add(it.read());
    }
    return reactions;
  }

  private void force(int messages) throws IOException {
    long start = System.nanoTime();
    if (open.force()) {
      figures.forced(System.nanoTime() - start);
      behind = new Behind(open.linesBehind(), open.behindSince());
    }
    long lines = open.journal().mark().lines();
    figures.written(messages, Math.max(0, lines - countedLines));
    countedLines = lines;
  }

  /// Whether [#project()] has anything to do.
  public boolean isBehind() {
    return open.isBehind();
  }

  /// Brings ledger and index up to the journal. When it throws, call [#reopen()].
  public void project() throws IOException {
    if (open.isBehind()) {
      open.project(arbiter);
      ledgerHead = open.ledger().mark();
      behind = Behind.NOT;
    }
  }

  /// How far ledger and index lag behind the journal. May be called from any thread.
  public Lag lag() {
    Behind now = behind;
    return now.lines == 0
        ? Lag.NONE
        : new Lag((int) now.lines, Duration.ofNanos(System.nanoTime() - now.sinceNanos));
  }

  /// How the tiers stood after the last batch. May be called from any thread.
  public TierSnapshot tiers() {
    return tiersNow;
  }

  /// May be called from any thread.
  public List<Budget> budgets() {
    return budgets;
  }

  /// When the next tier is to be tried again, if that is a matter of time.
  public Optional<Instant> nextOpening() {
    return arbiter.tiers().stream()
        .flatMap(it -> Optional.ofNullable(it.opensAt()).stream())
        .filter(it -> it.isAfter(clock.instant()))
        .min(Comparator.naturalOrder());
  }

  private TierSnapshot snapshot() {
    var used = new HashMap<String, Integer>();
    tiers.all().forEach(it -> used.put(it.name(), arbiter.rateUsed(it)));
    return new TierSnapshot(arbiter.states(), arbiter.wantProbe(), used, arbiter.spentToday());
  }

  /// The tiers that are not as they were when they were told of last.
  private List<Reaction> changedTiers() {
    var changed = new ArrayList<Reaction>();
    var now = new HashMap<String, TierState>();
    for (TierState state : tiersNow.states()) {
      now.put(state.tier(), state);
      if (!state.equals(told.get(state.tier()))) {
        changed.add(new Reaction.TierChanged(state));
      }
    }
    told = now;
    return changed;
  }

  /// Forgets what is in memory and reads again what is on disk.
  public void reopen() throws IOException {
    open.close();
    open = OpenFiles.open(files, rules.backoff());
    refused.clear();
    arbiter = arbiter();
    ledgerHead = open.ledger().mark();
  }

  /// The last line of the ledger, for the health snapshot. May be called from any thread.
  public Mark ledgerHead() {
    return ledgerHead;
  }

  /// May be called from any thread.
  public List<WorkerBeat> liveWorkers() {
    return liveWorkers;
  }

  /// What is not projected yet is, when the files are opened again.
  @Override
  public void close() throws IOException {
    open.close();
  }

  private Arbiter arbiter() {
    Index index = open.index();
    Instant now = clock.instant();
    Duration longest =
        tiers.all().stream()
            .map(it -> it.rate().period())
            .max(Comparator.naturalOrder())
            .orElse(Duration.ZERO);
    var memory =
        new Arbiter.Memory(
            index.withOpenCalls(),
            index.calledSince(now.minus(longest)),
            index.tiers(),
            index.spendingSince(LedgerLine.date(now.minus(Duration.ofDays(1)))),
            index.keys());
    return new Arbiter(tiers, clock, System::nanoTime, rules, memory, index::task);
  }

  private void happened(String eventId, Step step) {
    var _ = happened(eventId, step, null);
  }

  /// Returns whether it is another end of a task that has one.
  ///
  /// @param json the step as it was published, if it was
  private boolean happened(String eventId, Step step, byte @Nullable [] json) {
    if (arbiter.hasSeen(step.taskId(), eventId)) {
      return false;
    }
    Instant now = clock.instant();
    if (!(step instanceof CancelRequested)) {
      refused.remove(step.taskId());
    }
    Span span = open.journal().add(new Entry(eventId, now, step).toJson(json));
    boolean wasOver =
        mayEnd(step) && arbiter.find(step.taskId()).filter(it -> it.state().isEnd()).isPresent();
    arbiter.apply(eventId, step, span, now);
    open.derive(step, span);
    LedgerLine.callIn(step).ifPresent(call -> figures.note(eventId, call));
    if (mayEnd(step) && !wasOver) {
      arbiter
          .find(step.taskId())
          .filter(it -> it.state().isEnd())
          .ifPresent(it -> figures.note(eventId, it.state(), it.overhead()));
    }
    return wasOver;
  }

  private static boolean mayEnd(Step step) {
    return step instanceof TaskEnded || step instanceof SetAside;
  }

  private Pending decide(GrantRequest request) {
    Arbiter.Verdict verdict = arbiter.decide(request);
    if (verdict.grant() != null) {
      happened(verdict.grant().eventId(), verdict.grant());
    }
    switch (verdict.answer()) {
      case GrantAnswer.OverBudget _,
          GrantAnswer.Expired _,
          GrantAnswer.Exhausted _,
          GrantAnswer.Unknown _ ->
          refused.add(request.taskId());
      default -> {
        // No end follows from it.
      }
    }
    figures.note(verdict.answer());
    TaskRecord ended = verdict.endOf();
    return () ->
        new Reaction.Answer(
            ended == null
                ? verdict.answer()
                : new GrantAnswer.Finished(request.requestId(), endOf(ended)),
            request.replyKey());
  }

  /// The message of a task could not go on, so nobody has told its caller. A copy of a letter that
  /// an operator has settled meanwhile is settled as well.
  private void setAside(SetAside aside, List<Pending> pending) {
    happened(aside.eventId(), aside);
    if (arbiter.find(aside.taskId()).filter(it -> it.isSettled(aside.replay())).isPresent()) {
      pending.add(() -> new Reaction.Settled(aside.taskId(), aside.replay()));
      return;
    }
    arbiter
        .find(aside.taskId())
        .filter(task -> task.state() == TaskState.SET_ASIDE && task.replays() == aside.replay())
        .filter(task -> task.submitted() != null)
        .ifPresent(
            task -> {
              var end =
                  new TaskEnded(
                      task.id(),
                      TaskState.SET_ASIDE,
                      aside.reason(),
                      task.decision(),
                      List.of(),
                      null,
                      task.costUsd(),
                      aside.at(),
                      aside.replay());
              pending.add(() -> new Reaction.Told(end, replyOf(task)));
              callWebhook(end, pending);
            });
  }

  /// A task that is cancelled already is told of once more: the question may come again because
  /// this writer died before anybody had heard the answer.
  private void cancel(LedgerQuery.Cancel query, List<Pending> pending) {
    TaskRecord task = arbiter.find(query.taskId()).orElse(null);
    CancelVerdict verdict;
    if (task == null) {
      verdict = CancelVerdict.UNKNOWN;
    } else if (task.state().isEnd() && task.state() != TaskState.CANCELLED) {
      verdict = CancelVerdict.ENDED;
    } else if ((task.hasOpenCall() || refused.contains(task.id()))
        && task.state() != TaskState.CANCELLED) {
      verdict = CancelVerdict.STOPPING;
      var request = new CancelRequested(task.id(), clock.instant());
      happened(request.eventId(), request);
      task.calls().stream()
          .filter(CallRecord::isOpen)
          .forEach(call -> pending.add(() -> stop(call)));
    } else {
      verdict = CancelVerdict.CANCELLED;
      endCancelled(task, "cancelled before it was called", pending);
    }
    var answer = new LedgerAnswer.Cancel(query.requestId(), verdict);
    pending.add(() -> new Reaction.Answer(answer, query.replyKey()));
  }

  private static Reaction stop(CallRecord call) {
    return new Reaction.Stop(call.worker(), new StopCall(call.callId()));
  }

  /// The last call of a task that nobody wants any more has ended, and brought no answer.
  private void endIfCancelled(String taskId, List<Pending> pending) {
    arbiter
        .find(taskId)
        .filter(task -> task.cancelRequested() && !task.state().isEnd() && !task.hasOpenCall())
        .ifPresent(task -> endCancelled(task, "cancelled during a call", pending));
  }

  private void endCancelled(TaskRecord task, String reason, List<Pending> pending) {
    Instant at = task.endedAt() == null ? clock.instant() : task.endedAt();
    var end =
        new TaskEnded(
            task.id(),
            TaskState.CANCELLED,
            reason,
            task.decision(),
            List.of(),
            null,
            task.costUsd(),
            at,
            task.replays());
    happened(end.eventId(), end);
    pending.add(() -> new Reaction.Ended(end, replyOf(task))); // and comes back as a step
  }

  /// Whoever has asked for it is called about the end that counts. A repeated step may mean that
  /// this writer has died before anybody was told, so it is told again; the id says that it is the
  /// same.
  private void callWebhook(TaskEnded end, List<Pending> pending) {
    arbiter
        .find(end.taskId())
        .filter(it -> it.webhook() != null)
        .filter(it -> it.state() == end.state() && it.replays() == end.replay())
        .ifPresent(
            task ->
                pending.add(
                    () ->
                        new Reaction.Called(
                            new Webhook(
                                "msg_%s.%d".formatted(task.id(), task.replays()),
                                Objects.requireNonNull(task.webhook()),
                                "task." + end.state().wire(),
                                end.endedAt(),
                                withLabels(end, task),
                                1,
                                null))));
  }

  private static JsonNode withLabels(TaskEnded end, TaskRecord task) {
    ObjectNode data = Codec.mapper().valueToTree(end.result());
    data.set("labels", Codec.mapper().valueToTree(task.labels()));
    return data;
  }

  /// What was done to a tier stands in the journal before it counts.
  private void set(LedgerQuery.SetTier query, List<Pending> pending) throws IOException {
    TierState state = null;
    if (tiers.find(query.tier()).isPresent()) {
      Instant now = clock.instant();
      var set = new TierSet(query.tier(), query.action(), query.requestId(), now);
      var _ = open.journal().add(Entry.of(set, now).toJson());
      arbiter.apply(set, now);
      state = snapshot().of(query.tier()).orElseThrow();
    }
    var answer = new LedgerAnswer.SetTier(query.requestId(), state);
    pending.add(() -> new Reaction.Answer(answer, query.replyKey()));
  }

  /// A revoked key stays revoked, whoever has seen it before and sends it back.
  private void set(LedgerQuery.SetKey query, List<Pending> pending) throws IOException {
    AccessKey known = arbiter.key(query.key().id()).orElse(null);
    AccessKey key = null;
    if (known == null || !known.isRevoked()) {
      Instant now = clock.instant();
      key = query.key().withVersion(known == null ? 1 : known.version() + 1);
      var set = new KeySet(key, query.requestId(), now);
      var _ = open.journal().add(Entry.of(set, now).toJson());
      arbiter.apply(key);
      budgets = arbiter.budgets();
      pending.add(() -> new Reaction.KeyChanged(set));
    }
    var answer = new LedgerAnswer.SetKey(query.requestId(), key);
    pending.add(() -> new Reaction.Answer(answer, query.replyKey()));
  }

  /// What it had cost before stays with the task; the calls begin to count anew with the attempt.
  private void replay(LedgerQuery.Replay query, List<Pending> pending) throws IOException {
    TaskRecord task = arbiter.find(query.taskId()).orElse(null);
    LetterVerdict verdict = letterVerdict(task);
    if (task != null && task.isFreshReplay()) {
      // The question comes again because this writer died before the task had gone on.
      Span latest = Objects.requireNonNull(task.latest());
      pending.add(() -> new Reaction.GoesOn((RoutedTask) stepAt(latest)));
      verdict = LetterVerdict.DONE;
    } else if (task != null && verdict == LetterVerdict.DONE) {
      open.journal().flush(); // what is read here may have come in the same batch
      AcceptedTask accepted = acceptedOf(task);
      String tier = query.tier();
      if (tier == null && task.decision() != null) {
        tier = task.decision().tier();
      }
      if (accepted == null || tier == null) {
        verdict = LetterVerdict.NO_TIER;
      } else if (tiers.find(tier).isEmpty()) {
        verdict = LetterVerdict.UNKNOWN_TIER;
      } else {
        var decision =
            new Decision(
                tier,
                Confidence.HIGH,
                "replayed after it was set aside: " + task.reason(),
                DecidedBy.OPERATOR,
                BigDecimal.ZERO);
        var routed =
            new RoutedTask(
                accepted.again(query.task()),
                decision,
                tier,
                task.attempt() + 1,
                task.waits(),
                null,
                null,
                List.of(),
                null,
                task.replays() + 1);
        happened(routed.eventId(), routed);
        pending.add(() -> new Reaction.GoesOn(routed));
        pending.add(() -> new Reaction.Settled(task.id(), task.replays()));
      }
    }
    var answer = new LedgerAnswer.Replay(query.requestId(), verdict);
    pending.add(() -> new Reaction.Answer(answer, query.replyKey()));
  }

  private void discard(LedgerQuery.Discard query, List<Pending> pending) {
    TaskRecord task = arbiter.find(query.taskId()).orElse(null);
    LetterVerdict verdict = letterVerdict(task);
    if (task != null && verdict == LetterVerdict.DONE) {
      var step = new Discarded(task.id(), task.replays(), "by an operator", clock.instant());
      happened(step.eventId(), step);
      pending.add(() -> new Reaction.Settled(task.id(), task.replays()));
    }
    var answer = new LedgerAnswer.Discard(query.requestId(), verdict);
    pending.add(() -> new Reaction.Answer(answer, query.replyKey()));
  }

  private static LetterVerdict letterVerdict(@Nullable TaskRecord task) {
    if (task == null) {
      return LetterVerdict.UNKNOWN;
    }
    return task.isDeadLetter() ? LetterVerdict.DONE : LetterVerdict.NOT_SET_ASIDE;
  }

  private @Nullable TaskEnded endOf(TaskRecord task) throws IOException {
    return task.end() != null && stepAt(task.end()) instanceof TaskEnded end ? end : null;
  }

  private Reply replyOf(TaskRecord task) throws IOException {
    AcceptedTask accepted = acceptedOf(task);
    return accepted == null ? Reply.NONE : accepted.reply();
  }

  private @Nullable AcceptedTask acceptedOf(TaskRecord task) throws IOException {
    if (task.submitted() == null) {
      return null;
    }
    return switch (stepAt(task.submitted())) {
      case AcceptedTask accepted -> accepted;
      case Work work -> work.accepted();
      default -> null;
    };
  }

  private Step stepAt(Span span) throws IOException {
    return Entry.read(ChainedLog.read(files.journal(), span)).step();
  }
}
