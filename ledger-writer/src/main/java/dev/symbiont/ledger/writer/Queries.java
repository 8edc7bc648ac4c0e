package dev.symbiont.ledger.writer;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CallView;
import dev.symbiont.contract.LedgerAnswer.DeadLetter;
import dev.symbiont.contract.LedgerAnswer.TaskEvent;
import dev.symbiont.contract.LedgerAnswer.TaskRow;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TierState.Phase;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.arbiter.CallRecord;
import dev.symbiont.ledger.arbiter.TaskRecord;
import dev.symbiont.ledger.index.Index;
import dev.symbiont.ledger.index.Page;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.journal.Line;
import dev.symbiont.ledger.journal.Span;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Answers questions from the index and the journal, on a thread of its own beside the writer.
public final class Queries implements AutoCloseable {

  private static final int MOST_ENTRIES = 1_000;

  /// Of the journal, for one answer about events.
  private static final int MOST_LINES = 500;

  private static final int LONGEST_CAUSE = 150;

  private final LedgerFiles files;
  private final Index index;
  private final InstantSource clock;
  private final Supplier<List<WorkerBeat>> liveWorkers;
  private final Supplier<Writer.TierSnapshot> tiers;

  public Queries(
      LedgerFiles files,
      InstantSource clock,
      Supplier<List<WorkerBeat>> liveWorkers,
      Supplier<Writer.TierSnapshot> tiers) {
    this.files = files;
    this.index = Index.open(files.index());
    this.clock = clock;
    this.liveWorkers = liveWorkers;
    this.tiers = tiers;
  }

  /// What these answers come from, for the same thread.
  public Index index() {
    return index;
  }

  public LedgerAnswer.TaskById answer(LedgerQuery.TaskById query) throws IOException {
    TaskRecord task = index.task(query.taskId()).orElse(null);
    return new LedgerAnswer.TaskById(query.requestId(), task == null ? null : view(task));
  }

  public LedgerAnswer.Tasks answer(LedgerQuery.Tasks query) {
    try {
      Page<TaskRecord> page = index.tasks(query, Math.clamp(query.limit(), 1, MOST_ENTRIES));
      List<TaskRow> rows = page.rows().stream().map(Queries::row).toList();
      return new LedgerAnswer.Tasks(query.requestId(), rows, page.next(), null);
    } catch (InvalidFieldException e) {
      return new LedgerAnswer.Tasks(query.requestId(), List.of(), null, e.getMessage());
    }
  }

  public LedgerAnswer.Entries answer(LedgerQuery.Entries query) {
    try {
      Page<JsonNode> page = index.entries(query, Math.clamp(query.limit(), 1, MOST_ENTRIES));
      return new LedgerAnswer.Entries(query.requestId(), page.rows(), page.next(), null);
    } catch (InvalidFieldException e) {
      return new LedgerAnswer.Entries(query.requestId(), List.of(), null, e.getMessage());
    }
  }

  /// Reads on from where the caller is. What is on disk already, and no more, is told.
  public LedgerAnswer.Events answer(LedgerQuery.Events query) throws IOException {
    if (query.taskId() != null) {
      return eventsOf(query.taskId(), query);
    }
    long until = index.mark().offset();
    long from = query.after() != null ? query.after() : until;
    List<Line> lines = ChainedLog.lines(files.journal(), from, until, MOST_LINES);
    var events = new ArrayList<TaskEvent>();
    for (Line line : lines) {
      Entry entry = Entry.read(line.bytes());
      if (entry.event() instanceof Step step
          && (query.owner() == null || isOwner(query.owner(), step.taskId()))) {
        events.add(Events.of(line.span().end(), entry.recordedAt(), step));
      }
    }
    long next = lines.isEmpty() ? from : lines.getLast().span().end();
    return new LedgerAnswer.Events(
        query.requestId(), events, next, next < until && !lines.isEmpty());
  }

  private boolean isOwner(String key, String taskId) {
    return index.task(taskId).filter(it -> isOwner(key, it)).isPresent();
  }

  private static boolean isOwner(String key, TaskRecord task) {
    return key.equals(task.labels().get(AccessKey.LABEL));
  }

  private LedgerAnswer.Events eventsOf(String taskId, LedgerQuery.Events query) throws IOException {
    long after = query.after() == null ? 0 : query.after();
    long until = index.mark().offset();
    List<Span> spans =
        index
            .task(taskId)
            .filter(it -> query.owner() == null || isOwner(query.owner(), it))
            .stream()
            .flatMap(it -> it.events().values().stream())
            // The task may be newer than the mark: what is beyond that is told the next time.
            .filter(it -> it.offset() >= after && it.end() <= until)
            .sorted(Comparator.comparingLong(Span::offset))
            .limit(MOST_LINES)
            .toList();
    var events = new ArrayList<TaskEvent>();
    for (Span span : spans) {
      Entry entry = Entry.read(ChainedLog.read(files.journal(), span));
      events.add(Events.of(span.end(), entry.recordedAt(), entry.step()));
    }
    boolean more = spans.size() == MOST_LINES;
    long next = more ? spans.getLast().end() : Math.max(after, until);
    return new LedgerAnswer.Events(query.requestId(), events, next, more);
  }

  public LedgerAnswer.Stats answer(LedgerQuery.Stats query) {
    String owner = query.owner();
    Map<String, LedgerAnswer.Calls> byModel = index.callsBy("model", owner);
    return new LedgerAnswer.Stats(
        query.requestId(),
        byModel.values().stream().mapToLong(LedgerAnswer.Calls::calls).sum(),
        byModel.values().stream()
            .map(LedgerAnswer.Calls::cost)
            .reduce(BigDecimal.ZERO, BigDecimal::add),
        byModel,
        index.callsBy("day", owner),
        query.groupBy() == null ? null : index.callsBy(query.groupBy(), owner));
  }

  public LedgerAnswer.Status answer(LedgerQuery.Status query, @Nullable Instant lastHeartbeat) {
    Map<TaskState, Long> open = index.openByState();
    long running = open.getOrDefault(TaskState.RUNNING, 0L);
    return new LedgerAnswer.Status(
        query.requestId(),
        open.values().stream().mapToLong(Long::longValue).sum() - running,
        running,
        lastHeartbeat,
        index.consumption(LedgerLine.date(clock.instant())),
        tiers.get().states().stream()
            .filter(it -> it.phase() == Phase.LIMITED || it.phase() == Phase.PROBING)
            .map(TierState::tier)
            .toList(),
        liveWorkers.get());
  }

  public LedgerAnswer.DeadLetters answer(LedgerQuery.DeadLetters query) {
    var byCause = new TreeMap<String, Long>();
    var letters = new ArrayList<DeadLetter>();
    int limit = Math.clamp(query.limit(), 1, MOST_ENTRIES);
    for (TaskRecord task : index.deadLetters()) {
      DeadLetter letter = letter(task);
      byCause.merge(letter.cause(), 1L, Long::sum);
      if (letters.size() < limit
          && (query.cause() == null || query.cause().equals(letter.cause()))) {
        letters.add(letter);
      }
    }
    return new LedgerAnswer.DeadLetters(query.requestId(), byCause, letters);
  }

  public LedgerAnswer.Tokens answer(LedgerQuery.Tokens query) {
    return index.tokens(query);
  }

  public LedgerAnswer.Keys answer(LedgerQuery.Keys query) {
    return new LedgerAnswer.Keys(query.requestId(), index.keys());
  }

  @Override
  public void close() {
    index.close();
  }

  private TaskView view(TaskRecord task) throws IOException {
    // In the queue of a closed tier it waits as well, though nobody has told it to.
    Optional<TierState> closed =
        task.state() == TaskState.ROUTED && task.tier() != null
            ? tiers.get().of(task.tier()).filter(it -> !it.isOpen())
            : Optional.empty();
    Task submitted = task.submitted() == null ? null : submitted(stepAt(task.submitted()));
    return new TaskView(
        task.id(),
        closed.isPresent() ? TaskState.WAITING : task.state(),
        submitted == null ? null : submitted.task(),
        submitted == null ? null : Codec.fingerprint(submitted),
        task.acceptedAt(),
        task.endedAt(),
        task.tier(),
        task.decision(),
        task.labels(),
        task.calls().stream().map(Queries::view).toList(),
        task.end() != null && stepAt(task.end()) instanceof TaskEnded end ? end : null,
        closed.map(TierState::until).orElse(task.waitsUntil()),
        closed.map(TierState::reason).orElse(task.reason()));
  }

  private static TaskRow row(TaskRecord task) {
    return new TaskRow(
        task.id(),
        task.state(),
        task.preview(),
        task.acceptedAt(),
        task.endedAt(),
        task.tier(),
        task.labels(),
        task.calls().size(),
        task.costUsd(),
        task.reason());
  }

  private static DeadLetter letter(TaskRecord task) {
    String reason = String.valueOf(task.reason());
    return new DeadLetter(
        task.id(),
        task.endedAt(),
        reason,
        cause(reason),
        task.tier(),
        task.replays(),
        new LedgerAnswer.Calls(task.calls().size(), task.costUsd()));
  }

  /// A reason without its numbers and quotations, so that letters of one kind have one cause.
  static String cause(String reason) {
    String cause = reason.replaceAll("'[^']*'|\"[^\"]*\"", "…").replaceAll("\\d+", "#");
    return cause.length() > LONGEST_CAUSE ? cause.substring(0, LONGEST_CAUSE) + "…" : cause;
  }

  private static CallView view(CallRecord call) {
    return new CallView(
        call.callId(),
        call.purpose(),
        call.tier(),
        call.attempt(),
        call.worker(),
        call.grantedAt(),
        call.outcome() == null ? "running" : call.outcome(),
        call.isOpen() ? null : call.costUsd());
  }

  private static @Nullable Task submitted(Step step) {
    return switch (step) {
      case AcceptedTask accepted -> accepted.task();
      case Work work -> work.accepted().task();
      default -> null;
    };
  }

  private Step stepAt(Span span) throws IOException {
    return Entry.read(ChainedLog.read(files.journal(), span)).step();
  }
}
