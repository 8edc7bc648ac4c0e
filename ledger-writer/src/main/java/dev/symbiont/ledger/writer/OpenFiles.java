package dev.symbiont.ledger.writer;

import dev.symbiont.contract.Step;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.arbiter.Arbiter;
import dev.symbiont.ledger.arbiter.TaskRecord;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The journal, the ledger and the index, brought to the same point when they are opened and kept
/// there.
///
/// The journal alone is forced. The ledger may lag behind it after a crash, and is completed; the
/// index may lag behind it, and is brought up from its mark. Where either is ahead of the journal,
/// the journal has lost lines: the index is then built anew, and the ledger's surplus lines are
/// moved aside.
final class OpenFiles implements AutoCloseable {

  private static final int CHUNK = 2_000;

  private final LedgerFiles files;
  private final Index index;
  private final List<String> repairs;
  private ChainedLog ledger;
  private ChainedLog journal;
  private long calls;

  private OpenFiles(LedgerFiles files, List<String> repairs) throws IOException {
    this.files = files;
    this.repairs = repairs;
    this.index = Index.open(files.index());
    try {
      this.ledger = ChainedLog.openDerived(files.ledger());
      try {
        this.journal = openJournal();
        this.calls = index.lastCall();
        noteRepair(ledger);
        noteRepair(journal);
      } catch (IOException | RuntimeException e) {
        ledger.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      index.close();
      throw e;
    }
  }

  static OpenFiles open(LedgerFiles files) throws IOException {
    files.make();
    try {
      return aligned(new OpenFiles(files, new ArrayList<>()));
    } catch (IllegalStateException e) {
      if (!Index.isBroken(e)) {
        throw e;
      }
      Index.delete(files.index());
      var repairs = new ArrayList<String>();
      repairs.add("index.sqlite could not be read, and was built anew from tasks.jsonl");
      return aligned(new OpenFiles(files, repairs));
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

  /// The line that this step adds to the ledger, if it ends a call.
  Optional<Index.Call> ledgerLine(Step step, Span source, List<Index.Call> before) {
    return LedgerLine.callIn(step)
        .map(call -> new Index.Call(calls + before.size() + 1, LedgerLine.of(call), source));
  }

  /// Makes what was added to the journal durable, and takes it over into ledger and index.
  void persist(List<TaskRecord> changed, List<Index.Call> newCalls) throws IOException {
    if (changed.isEmpty()) {
      return;
    }
    journal.flush();
    journal.force();
    for (Index.Call call : newCalls) {
      ledger.add(Codec.mapper().writeValueAsBytes(call.line()));
    }
    ledger.flush();
    index.commit(changed, newCalls, journal.mark());
    calls += newCalls.size();
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
            Tiers.NONE, java.time.InstantSource.system(), 0, index.openTasks(), index::task);
    private final List<Index.Call> found = new ArrayList<>();
    private int taken;
    private long number = index.lastCall();
    private Mark mark = index.mark();

    void take(Line line) {
      Entry entry = Entry.read(line.bytes());
      arbiter.apply(entry.eventId(), entry.step(), line.span());
      LedgerLine.callIn(entry.step())
          .ifPresent(call -> found.add(new Index.Call(++number, LedgerLine.of(call), line.span())));
      mark = Mark.after(line);
      if (++taken % CHUNK == 0) {
        commit();
      }
    }

    void commit() {
      index.commit(arbiter.takeChanged(), found, mark);
      found.clear();
    }
  }

  private void alignLedger() throws IOException {
    long have = ledger.mark().lines();
    if (have > calls) {
      dropSurplus();
    } else if (have < calls) {
      for (Span source : index.sourcesAfter(have)) {
        Step step = Entry.read(ChainedLog.read(files.journal(), source)).step();
        ledger.add(
            Codec.mapper().writeValueAsBytes(LedgerLine.of(LedgerLine.callIn(step).orElseThrow())));
      }
      ledger.flush();
      repairs.add("ledger.jsonl: completed with %d lines from tasks.jsonl".formatted(calls - have));
    }
  }

  private void dropSurplus() throws IOException {
    ledger.close();
    long surplus = ledger.mark().lines() - calls;
    Path file = files.ledger();
    var keep = new Mark[] {Mark.START};
    ChainedLog.verify(
        file,
        line -> {
          if (line.number() <= calls) {
            keep[0] = Mark.after(line);
          }
        });
    byte[] all = Files.readAllBytes(file);
    int from = Math.toIntExact(keep[0].offset());
    try (FileChannel dropped =
        FileChannel.open(
            files.dropped(),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
            OwnerOnly.ATTRIBUTE)) {
      dropped.write(java.nio.ByteBuffer.wrap(all, from, all.length - from));
      dropped.force(true);
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(keep[0].offset());
      channel.force(true);
    }
    ledger = ChainedLog.openDerived(files.ledger());
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
