package dev.symbiont.ledger.writer;

import dev.symbiont.contract.KeySet;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.arbiter.Arbiter;
import dev.symbiont.ledger.arbiter.Backoff;
import dev.symbiont.ledger.index.Index;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.ChainedLog.Mark;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.journal.Line;
import dev.symbiont.ledger.journal.OwnerOnly;
import dev.symbiont.ledger.journal.Span;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The journal, the ledger and the index, brought to the same point when they are opened and kept
/// there.
///
/// The journal alone is forced, and comes first: taking over many lines at once costs ledger and
/// index much less than one by one. The ledger may lag behind it after a crash, and is completed;
/// the index may lag behind it, and is brought up from its mark. Where either is ahead of the
/// journal, the journal has lost lines: the index is then built anew, and the ledger's surplus
/// lines are moved aside.
final class OpenFiles implements AutoCloseable {

  private static final int CHUNK = 2_000;

  private final LedgerFiles files;
  private final Backoff backoff;
  private final Index index;
  private final List<String> repairs;
  private ChainedLog ledger;
  private ChainedLog journal;
  private long calls;

  /// Lines of the ledger that are not in it yet.
  private final List<Index.Call> derived = new ArrayList<>();

  private boolean behind;
  private long behindSince;

  /// Lines of the journal that ledger and index are built from.
  private long projected;

  /// The day of the first line of the journal's present file, once it is known.
  private @Nullable LocalDate begun;

  private OpenFiles(LedgerFiles files, Backoff backoff, List<String> repairs) throws IOException {
    this.files = files;
    this.backoff = backoff;
    this.repairs = repairs;
    this.index = Index.open(files.index());
    try {
      this.journal = openJournal();
      try {
        this.calls = index.lastCall();
        this.ledger = ChainedLog.openDerived(files.ledger(), alignSealed());
        noteRepair(ledger);
        noteRepair(journal);
        this.projected = journal.mark().lines();
      } catch (IOException | RuntimeException e) {
        journal.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      index.close();
      throw e;
    }
  }

  /// @param backoff how long tiers stayed closed when nobody said until when
  static OpenFiles open(LedgerFiles files, Backoff backoff) throws IOException {
    files.make();
    try {
      return aligned(new OpenFiles(files, backoff, new ArrayList<>()));
    } catch (IllegalStateException e) {
      if (!Index.isBroken(e)) {
        throw e;
      }
      Index.delete(files.index());
      var repairs = new ArrayList<String>();
      repairs.add("index.sqlite could not be read, and was built anew from tasks.jsonl");
      return aligned(new OpenFiles(files, backoff, repairs));
    }
  }

  private static OpenFiles aligned(OpenFiles open) throws IOException {
    try {
      open.alignLedger();
      return open;
    } catch (IOException | RuntimeException e) {
      open.close();
      throw e;
    }
  }

  ChainedLog journal() {
    return journal;
  }

  ChainedLog ledger() {
    return ledger;
  }

  Index index() {
    return index;
  }

  List<String> repairs() {
    return List.copyOf(repairs);
  }

  /// Notes the line that this step adds to the ledger, if it ends a call.
  void derive(Step step, Span source) {
    LedgerLine.callIn(step)
        .ifPresent(
            call ->
                derived.add(
                    new Index.Call(calls + derived.size() + 1, LedgerLine.of(call), source)));
  }

  /// Makes what was added to the journal durable. Returns whether there was anything.
  boolean force() throws IOException {
    if (!journal.isPending()) {
      return false;
    }
    journal.flush();
    journal.force();
    if (!behind) {
      behind = true;
      behindSince = System.nanoTime();
    }
    return true;
  }

  /// Lines of the journal that ledger and index lack.
  long linesBehind() {
    return journal.mark().lines() - projected;
  }

  /// Since when they lack the first of them.
  long behindSince() {
    return behindSince;
  }

  /// Whether ledger or index lack something that the journal has.
  boolean isBehind() {
    return behind;
  }

  /// The same, by more than this.
  boolean isBehind(Lag most) {
    return behind
        && (linesBehind() >= most.lines()
            || System.nanoTime() - behindSince >= most.time().toNanos());
  }

  /// Takes over what was made durable into ledger and index.
  void project(Arbiter arbiter) throws IOException {
    for (Index.Call call : derived) {
      ledger.add(Codec.encode(call.line()));
    }
    ledger.flush();
    index.commit(
        arbiter.takeChanged(),
        derived,
        arbiter.tiers(),
        arbiter.takeChangedKeys(),
        arbiter.takeSpending(),
        journal.mark());
    calls += derived.size();
    derived.clear();
    projected = journal.mark().lines();
    behind = false;
  }

  @Override
  public void close() throws IOException {
    journal.close();
    ledger.close();
    index.close();
  }

  private ChainedLog openJournal() throws IOException {
    if (!ChainedLog.holds(files.journal(), index.mark())) {
      repairs.add("index.sqlite does not fit tasks.jsonl any more, and was built anew from it");
      index.clear();
    }
    Mark from = index.mark();
    var replay = new Replay();
    ChainedLog opened = ChainedLog.open(files.journal(), from, replay::take);
    replay.commit();
    return opened;
  }

  /// Reads journal lines that the index does not have yet. No call is decided here, so tiers do not
  /// matter.
  private final class Replay {
    private final Arbiter arbiter =
        new Arbiter(
            Tiers.NONE,
            InstantSource.system(),
            System::nanoTime,
            Arbiter.Rules.replaying(backoff),
            new Arbiter.Memory(List.of(), List.of(), index.tiers(), List.of(), List.of()),
            index::task);
    private final List<Index.Call> found = new ArrayList<>();
    private int taken;
    private long number = index.lastCall();
    private Mark mark = index.mark();

    void take(Line line) {
      Entry entry = Entry.read(line.bytes());
      switch (entry.event()) {
        case Step step -> {
          arbiter.apply(entry.eventId(), step, line.span(), entry.recordedAt());
          LedgerLine.callIn(step)
              .ifPresent(
                  call -> found.add(new Index.Call(++number, LedgerLine.of(call), line.span())));
        }
        case TierSet set -> arbiter.apply(set, entry.recordedAt());
        case KeySet set -> arbiter.apply(set.key());
      }
      mark = Mark.after(line);
      if (++taken % CHUNK == 0) {
        commit();
      }
    }

    void commit() {
      index.commit(
          arbiter.takeChanged(),
          found,
          arbiter.tiers(),
          arbiter.takeChangedKeys(),
          arbiter.takeSpending(),
          mark);
      found.clear();
    }
  }

  private void alignLedger() throws IOException {
    long have = ledger.mark().lines();
    if (have > calls) {
      dropSurplus();
    } else if (have < calls) {
      derive(ledger, calls);
      repairs.add("ledger.jsonl: completed with %d lines from tasks.jsonl".formatted(calls - have));
    }
  }

  /// Adds the lines that are missing up to this number.
  private void derive(ChainedLog into, long upTo) throws IOException {
    long have = into.mark().lines();
    for (Span source : index.sources(have, upTo)) {
      Step step = Entry.read(ChainedLog.read(files.journal(), source)).step();
      into.add(Codec.encode(LedgerLine.of(LedgerLine.callIn(step).orElseThrow())));
    }
    into.flush();
  }

  /// Each sealed file of the journal has one of the ledger with the calls that end in it. A crash
  /// can leave the last of them unsealed, and anybody can delete one: what is missing is derived.
  private Mark alignSealed() throws IOException {
    Mark origin = Mark.START;
    for (Path part : ChainedLog.sealed(files.journal())) {
      Path sealed = files.sealedLedger(part);
      long last = index.callsBefore(ChainedLog.endOf(part).offset());
      if (!Files.exists(sealed)) {
        if (Files.exists(files.ledger())) {
          ChainedLog.seal(files.ledger(), sealed);
        }
        try (ChainedLog log = ChainedLog.openDerived(sealed, origin)) {
          repairs.add(
              "%s: completed with %d lines"
                  .formatted(sealed.getFileName(), last - log.mark().lines()));
          derive(log, last);
          log.force();
        }
      }
      String head = Files.size(sealed) == 0 ? origin.head() : ChainedLog.lastHash(sealed);
      origin = new Mark(0, last, head);
    }
    return origin;
  }

  /// Begins new files when the day has changed since the first line of the present ones. The names
  /// of the old ones are final, and so is their content: the first line of each new file holds the
  /// hash of the last line of the old one.
  void roll(LocalDate today, Arbiter arbiter) throws IOException {
    if (journal.mark().offset() == journal.origin().offset()) {
      return;
    }
    if (begun == null) {
      Line first = journal.first();
      begun = LocalDate.ofInstant(Entry.read(first.bytes()).recordedAt(), ZoneOffset.UTC);
    }
    Path sealed = ChainedLog.sealedName(files.journal(), begun);
    if (!begun.isBefore(today) || Files.exists(sealed)) {
      return;
    }
    project(arbiter);
    Mark end = journal.mark();
    Mark ledgerEnd = ledger.mark();
    ledger.force();
    ledger.close();
    journal.close();
    ChainedLog.seal(files.journal(), sealed);
    ChainedLog.seal(files.ledger(), files.sealedLedger(sealed));
    journal = ChainedLog.open(files.journal(), end, _ -> {});
    ledger =
        ChainedLog.openDerived(files.ledger(), new Mark(0, ledgerEnd.lines(), ledgerEnd.head()));
    begun = null;
  }

  private void dropSurplus() throws IOException {
    ledger.close();
    Mark origin = ledger.origin();
    long surplus = ledger.mark().lines() - calls;
    Path file = files.ledger();
    byte[] all = Files.readAllBytes(file);
    int from = 0;
    for (long line = origin.lines(); line < calls; line++) {
      while (all[from++] != '\n') {
        // on to the end of the line
      }
    }
    try (FileChannel dropped =
        FileChannel.open(
            files.dropped(),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
            OwnerOnly.ATTRIBUTE)) {
      dropped.write(java.nio.ByteBuffer.wrap(all, from, all.length - from));
      dropped.force(true);
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(from);
      channel.force(true);
    }
    ledger = ChainedLog.openDerived(files.ledger(), origin);
    repairs.add(
        "ledger.jsonl: moved its last %d lines to ledger-dropped.jsonl: tasks.jsonl has lost their calls"
            .formatted(surplus));
  }

  private void noteRepair(ChainedLog log) {
    if (log.repair() != null) {
      repairs.add(log.repair());
    }
  }
}
