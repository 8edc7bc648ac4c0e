package dev.symbiont.ledger.writer;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.LedgerAnswer.LetterVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.ledger.arbiter.Arbiter;
import dev.symbiont.ledger.arbiter.CallRecord;
import dev.symbiont.ledger.arbiter.TaskRecord;
import dev.symbiont.ledger.index.Index;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.ChainedLog.Mark;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.Line;
import dev.symbiont.ledger.journal.Span;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The fleet's memory. Each batch goes through one order: decide, append to the journal, force it
/// to disk, derive the ledger, bring the index up, and only then let the answers out. Used by one
/// thread.
///
/// A crash at any point leaves the journal as the truth: on the next start the index is brought up
/// from its mark, the ledger is completed, and whatever was not acknowledged comes again and is
/// recognised by its event ids.
public final class Writer implements AutoCloseable {

  private final LedgerFiles files;
  private final Tiers tiers;
  private final InstantSource clock;
  private final int maxCallsPerStep;
  private final String worker;
  private volatile List<WorkerBeat> liveWorkers = List.of();
  private volatile Mark ledgerHead;
  private OpenFiles open;
  private Arbiter arbiter;

  /// Something to send, which may need a line of the journal that is not written yet.
  private interface Pending {
    Reaction read() throws IOException;
  }

  /// Opens the files in a folder that the caller has locked, and repairs what a crash has left
  /// undone.
  ///
  /// @param worker this ledger-writer's own worker id, whose beats let time pass
  public Writer(
      LedgerFiles files, Tiers tiers, InstantSource clock, int maxCallsPerStep, String worker)
      throws IOException {
    this.files = files;
    this.tiers = tiers;
    this.clock = clock;
    this.maxCallsPerStep = maxCallsPerStep;
    this.worker = worker;
    this.open = OpenFiles.open(files);
    this.arbiter = arbiter();
    this.ledgerHead = open.ledger().mark();
  }

  /// Builds the index anew in a folder that the caller has locked, and returns what else was
  /// repaired on the way, one sentence each.
  public static List<String> reindex(LedgerFiles files) throws IOException {
    Index.delete(files.index());
    try (OpenFiles open = OpenFiles.open(files)) {
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
    open.roll(LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC));
    var calls = new ArrayList<Index.Call>();
    var pending = new ArrayList<Pending>();
    for (Incoming it : incoming) {
      switch (it) {
        case Incoming.Happened(SetAside aside) -> setAside(aside, calls, pending);
        case Incoming.Happened(Step step) -> happened(step.eventId(), step, calls);
        case Incoming.Asked(GrantRequest request) -> pending.add(decide(request, calls));
        case Incoming.Cancellation(LedgerQuery.Cancel query) -> cancel(query, calls, pending);
        case Incoming.Replay(LedgerQuery.Replay query) -> replay(query, calls, pending);
        case Incoming.Discard(LedgerQuery.Discard query) -> discard(query, calls, pending);
        case Incoming.Beat(WorkerBeat beat) -> {
          for (CallEnded unknown : arbiter.beat(beat, beat.worker().equals(worker))) {
            // Not the id of the end itself: that may still come, and then corrects this.
            happened(unknown.callId() + "/unknown", unknown, calls);
          }
        }
      }
    }
    liveWorkers = arbiter.liveWorkers();
    open.persist(arbiter.takeChanged(), calls);
    ledgerHead = open.ledger().mark();
    var reactions = new ArrayList<Reaction>();
    for (Pending it : pending) {
      reactions.add(it.read());
    }
    return reactions;
  }

  /// Forgets what is in memory and reads again what is on disk.
  public void reopen() throws IOException {
    open.close();
    open = OpenFiles.open(files);
    arbiter = arbiter();
  }

  /// The last line of the ledger, for the health snapshot. May be called from any thread.
  public Mark ledgerHead() {
    return ledgerHead;
  }

  /// May be called from any thread.
  public List<WorkerBeat> liveWorkers() {
    return liveWorkers;
  }

  @Override
  public void close() throws IOException {
    open.close();
  }

  private Arbiter arbiter() {
    Index index = open.index();
    return new Arbiter(tiers, clock, maxCallsPerStep, index.withOpenCalls(), index::task);
  }

  private void happened(String eventId, Step step, List<Index.Call> calls) {
    if (arbiter.hasSeen(step.taskId(), eventId)) {
      return;
    }
    Line line = open.journal().add(new Entry(eventId, clock.instant(), step).toJson());
    arbiter.apply(eventId, step, line.span());
    open.ledgerLine(step, line.span(), calls).ifPresent(calls::add);
  }

  private Pending decide(GrantRequest request, List<Index.Call> calls) {
    Arbiter.Verdict verdict = arbiter.decide(request);
    if (verdict.grant() != null) {
      happened(verdict.grant().eventId(), verdict.grant(), calls);
    }
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
  private void setAside(SetAside aside, List<Index.Call> calls, List<Pending> pending) {
    happened(aside.eventId(), aside, calls);
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
            });
  }

  /// A task that is cancelled already is told of once more: the question may come again because
  /// this writer died before anybody had heard the answer.
  private void cancel(LedgerQuery.Cancel query, List<Index.Call> calls, List<Pending> pending) {
    Optional<TaskRecord> found = arbiter.find(query.taskId());
    CancelVerdict verdict = found.map(Writer::cancelVerdict).orElse(CancelVerdict.UNKNOWN);
    if (verdict == CancelVerdict.CANCELLED) {
      TaskRecord task = found.orElseThrow();
      Instant at = task.endedAt() == null ? clock.instant() : task.endedAt();
      var end =
          new TaskEnded(
              task.id(),
              TaskState.CANCELLED,
              "cancelled before it was called",
              task.decision(),
              List.of(),
              null,
              task.costUsd(),
              at,
              task.replays());
      happened(end.eventId(), end, calls);
      pending.add(() -> new Reaction.Ended(end, replyOf(task)));
    }
    var answer = new LedgerAnswer.Cancel(query.requestId(), verdict);
    pending.add(() -> new Reaction.Answer(answer, query.replyKey()));
  }

  private static CancelVerdict cancelVerdict(TaskRecord task) {
    if (task.state() == TaskState.CANCELLED) {
      return CancelVerdict.CANCELLED;
    }
    if (task.state().isEnd()) {
      return CancelVerdict.ENDED;
    }
    return task.calls().stream().anyMatch(CallRecord::isOpen)
        ? CancelVerdict.RUNNING
        : CancelVerdict.CANCELLED;
  }

  /// What it had cost before stays with the task; the calls begin to count anew with the attempt.
  private void replay(LedgerQuery.Replay query, List<Index.Call> calls, List<Pending> pending)
      throws IOException {
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
                List.of(),
                null,
                task.replays() + 1);
        happened(routed.eventId(), routed, calls);
        pending.add(() -> new Reaction.GoesOn(routed));
        pending.add(() -> new Reaction.Settled(task.id(), task.replays()));
      }
    }
    var answer = new LedgerAnswer.Replay(query.requestId(), verdict);
    pending.add(() -> new Reaction.Answer(answer, query.replyKey()));
  }

  private void discard(LedgerQuery.Discard query, List<Index.Call> calls, List<Pending> pending) {
    TaskRecord task = arbiter.find(query.taskId()).orElse(null);
    LetterVerdict verdict = letterVerdict(task);
    if (task != null && verdict == LetterVerdict.DONE) {
      var step = new Discarded(task.id(), task.replays(), "by an operator", clock.instant());
      happened(step.eventId(), step, calls);
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
