package dev.symbiont.ledger.writer;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.LedgerLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a crash or a lost file leaves is brought to one point again when the writer opens.
class RecoveryTest {

  private static final int TAIL = 2_048;

  /// Cuts are this far apart; each byte of a line is met over the lines of a tail.
  private static final int STRIDE = 7;

  @TempDir Path temporary;
  private Path original;

  @BeforeEach
  void writeSomeBatches() throws IOException {
    original = temporary.resolve("original");
    try (Writer writer = open(original)) {
      for (int i = 0; i < 6; i++) {
        writer.write(Life.of("task-%d".formatted(i), "0.0%d".formatted(i)).happened());
      }
    }
  }

  @Test
  void aJournalCutAnywhereOpensAndTheLedgerFollowsIt() throws IOException {
    long size = Files.size(original.resolve("tasks.jsonl"));

    for (long length = size - TAIL; length < size; length += STRIDE) {
      Path folder = copy(original);
      cut(folder.resolve("tasks.jsonl"), length);

      opensWithOneTruth(folder, "tasks.jsonl", length);
    }
  }

  @Test
  void aLedgerCutAnywhereIsCompleted() throws IOException {
    byte[] whole = Files.readAllBytes(original.resolve("ledger.jsonl"));
    assertThat(whole.length).isGreaterThan(TAIL);

    for (int length = whole.length - TAIL; length < whole.length; length += STRIDE) {
      Path folder = copy(original);
      cut(folder.resolve("ledger.jsonl"), length);

      opensWithOneTruth(folder, "ledger.jsonl", length);
      assertThat(withoutChain(folder)).isEqualTo(withoutChain(original));
    }
  }

  @Test
  void bothCutAnywhereOpenTogether() throws IOException {
    long journal = Files.size(original.resolve("tasks.jsonl"));
    long ledger = Files.size(original.resolve("ledger.jsonl"));

    for (int cut = 1; cut < TAIL; cut += STRIDE) {
      Path folder = copy(original);
      cut(folder.resolve("tasks.jsonl"), journal - cut);
      cut(folder.resolve("ledger.jsonl"), ledger - (cut * 31 % TAIL) - 1);

      opensWithOneTruth(folder, "tasks.jsonl", cut);
    }
  }

  @Test
  void withoutAnIndexTheAnswersAreTheSame() throws IOException {
    String before = answers(original);
    Path folder = copy(original);
    Files.delete(folder.resolve("index.sqlite"));

    try (Writer writer = open(folder)) {
      assertThat(writer.repairs()).isEmpty();
    }

    assertThat(answers(folder)).isEqualTo(before);
  }

  @Test
  void withoutALedgerTheSameOneIsDerived() throws IOException {
    Path folder = copy(original);
    Files.delete(folder.resolve("ledger.jsonl"));

    try (Writer writer = open(folder)) {
      assertThat(writer.repairs())
          .containsExactly("ledger.jsonl: completed with 6 lines from tasks.jsonl");
    }

    assertThat(withoutChain(folder)).isEqualTo(withoutChain(original));
  }

  @Test
  void withoutALedgerTheSameOneIsDerivedToTheByte() throws IOException {
    Path folder = copy(original);
    Files.delete(folder.resolve("ledger.jsonl"));

    open(folder).close();

    assertThat(Files.readAllBytes(folder.resolve("ledger.jsonl")))
        .isEqualTo(Files.readAllBytes(original.resolve("ledger.jsonl")));
  }

  @Test
  void aCrashAfterTheForceLosesNothing() throws IOException {
    Path folder = temporary.resolve("running");
    Path crashed = temporary.resolve("crashed");
    try (Writer writer = open(folder)) {
      writer.write(Life.of("task-1", "0.01").happened());
      Path before = copy(folder);
      writer.write(Life.of("task-2", "0.02").happened());
      // The journal as after the force, everything else as before it.
      copyInto(before, crashed);
      Files.copy(folder.resolve("tasks.jsonl"), replaced(crashed.resolve("tasks.jsonl")));
    }

    try (Writer writer = open(crashed)) {
      assertThat(writer.repairs())
          .containsExactly("ledger.jsonl: completed with 1 lines from tasks.jsonl");
      writer.write(Life.of("task-2", "0.02").happened());
    }

    assertThat(answers(crashed)).isEqualTo(answers(folder));
    assertThat(Files.readAllBytes(crashed.resolve("ledger.jsonl")))
        .isEqualTo(Files.readAllBytes(folder.resolve("ledger.jsonl")));
  }

  @Test
  void aCrashBetweenLedgerAndIndexGivesNoSecondLine() throws IOException {
    Path folder = temporary.resolve("running");
    Path crashed = temporary.resolve("crashed");
    try (Writer writer = open(folder)) {
      writer.write(Life.of("task-1", "0.01").happened());
      Path before = copy(folder);
      writer.write(Life.of("task-2", "0.02").happened());
      copyInto(before, crashed);
      Files.copy(folder.resolve("tasks.jsonl"), replaced(crashed.resolve("tasks.jsonl")));
      Files.copy(folder.resolve("ledger.jsonl"), replaced(crashed.resolve("ledger.jsonl")));
    }

    try (Writer writer = open(crashed)) {
      assertThat(writer.repairs()).isEmpty();
      writer.write(Life.of("task-2", "0.02").happened());
    }

    assertThat(answers(crashed)).isEqualTo(answers(folder));
    assertThat(Files.readAllLines(crashed.resolve("ledger.jsonl"))).hasSize(2);
  }

  @Test
  void ledgerLinesThatTheJournalHasLostAreKeptAside() throws IOException {
    Path folder = copy(original);
    List<String> lines = Files.readAllLines(folder.resolve("tasks.jsonl"));
    long lost = lines.getLast().length() + 1L;
    cut(folder.resolve("tasks.jsonl"), Files.size(folder.resolve("tasks.jsonl")) - lost);

    try (Writer writer = open(folder)) {
      assertThat(writer.repairs())
          .hasSize(2)
          .anyMatch(it -> it.startsWith("index.sqlite does not fit"))
          .anyMatch(it -> it.contains("moved its last 1 lines to ledger-dropped.jsonl"));
    }

    assertThat(Files.readAllLines(folder.resolve("ledger-dropped.jsonl")))
        .containsExactly(Files.readAllLines(original.resolve("ledger.jsonl")).getLast());
    opensWithOneTruth(folder, "again", 0);
  }

  @Test
  void aChangedJournalIsRefusedWhenItIsReadFromItsBeginning() throws IOException {
    Path folder = copy(original);
    byte[] bytes = Files.readAllBytes(folder.resolve("tasks.jsonl"));
    bytes[100] ^= 1;
    Files.write(folder.resolve("tasks.jsonl"), bytes);
    Files.delete(folder.resolve("index.sqlite"));

    assertThatThrownBy(() -> open(folder).close()).hasMessageContaining("tasks.jsonl: line 1");
  }

  @Test
  void aChangedJournalIsRefused() throws IOException {
    Path folder = copy(original);
    byte[] bytes = Files.readAllBytes(folder.resolve("tasks.jsonl"));
    bytes[100] ^= 1;
    Files.write(folder.resolve("tasks.jsonl"), bytes);

    assertThatThrownBy(() -> open(folder).close()).hasMessageContaining("tasks.jsonl: line 1");
  }

  @Test
  void aBrokenIndexIsBuiltAnew() throws IOException {
    Path folder = copy(original);
    byte[] bytes = Files.readAllBytes(folder.resolve("index.sqlite"));
    Arrays.fill(bytes, (byte) 7);
    Files.write(folder.resolve("index.sqlite"), bytes);

    open(folder).close();

    assertThat(answers(folder)).isEqualTo(answers(original));
  }

  private void opensWithOneTruth(Path folder, String what, long at) throws IOException {
    var files = new LedgerFiles(folder);
    long journalBefore = Files.size(files.journal());
    long ledgerBefore = Files.size(files.ledger());
    List<String> repairs;
    try (Writer writer = open(folder)) {
      repairs = writer.repairs();
    }
    var calls = new AtomicLong();
    ChainedLog.verify(
        files.journal(),
        line -> {
          if (LedgerLine.callIn(Entry.read(line.bytes()).step()).isPresent()) {
            calls.incrementAndGet();
          }
        });
    assertThat(ChainedLog.verify(files.ledger(), _ -> {}).lines())
        .as("%s cut at %d: lines of the ledger", what, at)
        .isEqualTo(calls.get());
    if (Files.size(files.journal()) != journalBefore) {
      assertThat(repairs).as("%s %d", what, at).anyMatch(it -> it.startsWith("tasks.jsonl: cut"));
    }
    if (Files.size(files.ledger()) != ledgerBefore) {
      assertThat(repairs).as("%s %d", what, at).anyMatch(it -> it.startsWith("ledger.jsonl: "));
    }
    LedgerAnswer.Stats stats;
    try (Queries queries = queries(folder)) {
      stats = queries.answer(new LedgerQuery.Stats("q", "r", null, null));
    }
    assertThat(stats.totalCalls()).as("%s cut at %d: the index", what, at).isEqualTo(calls.get());
  }

  private static String answers(Path folder) {
    try (Queries queries = queries(folder)) {
      return queries.answer(new LedgerQuery.Stats("q", "r", null, null))
          + "\n"
          + queries.answer(LedgerQuery.Entries.newest("q", "r", 100))
          + "\n"
          + queries.answer(new LedgerQuery.Status("q", "r"), null);
    }
  }

  private static List<String> withoutChain(Path folder) throws IOException {
    return Files.readAllLines(folder.resolve("ledger.jsonl")).stream()
        .map(it -> it.replaceFirst(",\"at\":.*", ""))
        .toList();
  }

  private static void cut(Path file, long length) throws IOException {
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), (int) length));
  }

  private static Path replaced(Path file) throws IOException {
    Files.deleteIfExists(file);
    return file;
  }

  private Path copy(Path from) throws IOException {
    Path to = temporary.resolve("copy");
    copyInto(from, to);
    return to;
  }

  /// Leaves nothing in the folder that was there before.
  private static void copyInto(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> old = Files.list(to)) {
      for (Path file : old.toList()) {
        Files.delete(file);
      }
    }
    try (Stream<Path> all = Files.list(from)) {
      for (Path file : all.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }

  private static Writer open(Path folder) throws IOException {
    return new Writer(
        new LedgerFiles(folder),
        Samples.TIERS,
        InstantSource.fixed(NOON),
        Samples.RULES,
        "ledger-1",
        Lag.NONE,
        Samples.FIGURES);
  }

  private static Queries queries(Path folder) {
    return new Queries(
        new LedgerFiles(folder), InstantSource.fixed(NOON), List::of, Samples.ALL_OPEN);
  }
}
