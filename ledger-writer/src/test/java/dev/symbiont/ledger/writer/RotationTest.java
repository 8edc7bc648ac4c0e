package dev.symbiont.ledger.writer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.index.Index;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.DamagedLogException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The files of three days, and what a crash between any two steps of sealing leaves behind.
class RotationTest {

  @TempDir private Path folder;
  private LedgerFiles files;
  private Instant now = Instant.parse("2026-03-19T23:59:59Z");

  @BeforeEach
  void threeDays() throws IOException {
    files = new LedgerFiles(folder);
    try (Writer writer = open()) {
      for (int day = 1; day <= 3; day++) {
        writer.write(Life.of("task-%d-1".formatted(day), "0.10").happened());
        writer.write(Life.of("task-%d-2".formatted(day), "0.01").happened());
        now = now.plus(Duration.ofDays(1));
      }
    }
    now = now.minus(Duration.ofDays(1));
  }

  @Test
  void eachDayHasItsFilesAndTheChainGoesThroughThemAll() throws IOException {
    assertThat(names())
        .contains(
            "tasks-2026-03-19.jsonl",
            "tasks-2026-03-20.jsonl",
            "tasks.jsonl",
            "ledger-2026-03-19.jsonl",
            "ledger-2026-03-20.jsonl",
            "ledger.jsonl");
    assertThat(Files.readAllLines(folder.resolve("tasks-2026-03-19.jsonl"))).hasSize(8);
    assertThat(ChainedLog.verify(files.journal(), _ -> {}).lines()).isEqualTo(24);
    assertThat(ChainedLog.verify(files.ledger(), _ -> {}).lines()).isEqualTo(6);
  }

  @Test
  void aTaskOfASealedDayIsStillKnown() throws IOException {
    try (Queries queries = new Queries(files, () -> now, List::of, Samples.ALL_OPEN)) {
      var task = queries.answer(new LedgerQuery.TaskById("q", "r", "task-1-2")).task();

      assertThat(Objects.requireNonNull(task).task()).isEqualTo("the prompt of task-1-2");
      assertThat(task.end()).isNotNull();
    }
  }

  @Test
  void anIndexThatIsBuiltAnewGivesTheSameStatistics() throws IOException {
    LedgerAnswer.Stats before = stats();

    Index.delete(files.index());
    open().close();

    assertThat(stats()).isEqualTo(before);
  }

  @Test
  void aLedgerThatIsDerivedAnewIsTheSameToTheByte() throws IOException {
    Map<String, String> before = contents();
    for (String name : before.keySet()) {
      if (name.startsWith("ledger")) {
        Files.delete(folder.resolve(name));
      }
    }

    open().close();

    assertThat(contents()).isEqualTo(before);
  }

  /// Sealing renames the journal, then the ledger, then makes the new files.
  @Test
  void aCrashAtAnyStepOfSealingIsMadeGood() throws IOException {
    Map<String, String> before = contents();
    Path sealed = folder.resolve("tasks-2026-03-21.jsonl");
    var crashes =
        List.<Step>of(
            () -> {},
            () -> Files.move(files.journal(), sealed),
            () -> Files.move(files.ledger(), files.sealedLedger(sealed)),
            () -> Files.createFile(files.journal()),
            () -> Files.createFile(files.ledger()));
    for (int steps = 1; steps <= crashes.size(); steps++) {
      Map<String, String> after = crashed(crashes.subList(0, steps));

      assertThat(String.join("", journalOf(after))).isEqualTo(String.join("", journalOf(before)));
      assertThat(String.join("", ledgerOf(after))).isEqualTo(String.join("", ledgerOf(before)));
      restore(before);
    }
  }

  /// What a crash cuts from a ledger that is not forced before it is sealed.
  @Test
  void aLedgerThatWasSealedByTheNextStartIsCompleted() throws IOException {
    Map<String, String> before = contents();
    Files.move(files.journal(), folder.resolve("tasks-2026-03-21.jsonl"));
    try (var ledger = new RandomAccessFile(files.ledger().toFile(), "rw")) {
      ledger.setLength(ledger.length() - 100);
    }

    open().close();

    assertThat(String.join("", ledgerOf(contents()))).isEqualTo(String.join("", ledgerOf(before)));
  }

  @Test
  void aClockThatGoesBackSealsNothing() throws IOException {
    now = now.minus(Duration.ofDays(2));
    try (Writer writer = open()) {
      writer.write(Life.of("task-4", "0.10").happened());
    }

    assertThat(names()).doesNotContain("tasks-2026-03-21.jsonl");
    assertThat(ChainedLog.verify(files.journal(), _ -> {}).lines()).isEqualTo(28);
  }

  @Test
  void aFlippedBitInASealedFileIsFoundWithFileAndOffset() throws IOException {
    Path sealed = folder.resolve("tasks-2026-03-19.jsonl");
    try (var file = new RandomAccessFile(sealed.toFile(), "rw")) {
      file.seek(20);
      int before = file.read();
      file.seek(20);
      file.write(before ^ 1);
    }

    assertThatThrownBy(() -> ChainedLog.verify(files.journal(), _ -> {}))
        .isInstanceOf(DamagedLogException.class)
        .hasMessageContaining("tasks-2026-03-19.jsonl: line 1, at byte 0");
  }

  @Test
  void aMissingFileIsFound() throws IOException {
    Files.delete(folder.resolve("tasks-2026-03-20.jsonl"));

    assertThatThrownBy(() -> ChainedLog.verify(files.journal(), _ -> {}))
        .isInstanceOf(DamagedLogException.class)
        .hasMessageContaining("the line before it is missing");
  }

  private interface Step {
    void happen() throws IOException;
  }

  private Map<String, String> crashed(List<Step> steps) throws IOException {
    for (Step step : steps) {
      step.happen();
    }
    open().close();
    return contents();
  }

  private void restore(Map<String, String> contents) throws IOException {
    for (String name : contents().keySet()) {
      Files.delete(folder.resolve(name));
    }
    for (var file : contents.entrySet()) {
      Files.writeString(folder.resolve(file.getKey()), file.getValue());
    }
  }

  /// The parts in order: the one without a day comes last.
  private static List<String> journalOf(Map<String, String> contents) {
    return parts(contents, "tasks");
  }

  private static List<String> ledgerOf(Map<String, String> contents) {
    return parts(contents, "ledger");
  }

  private static List<String> parts(Map<String, String> contents, String stem) {
    var parts = new ArrayList<String>();
    contents.forEach(
        (name, content) -> {
          if (name.startsWith(stem + "-")) {
            parts.add(content);
          }
        });
    parts.add(contents.get(stem + ".jsonl"));
    return parts;
  }

  private Map<String, String> contents() throws IOException {
    var contents = new TreeMap<String, String>();
    for (String name : names()) {
      if (name.endsWith(".jsonl")) {
        contents.put(name, Files.readString(folder.resolve(name)));
      }
    }
    return contents;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(it -> it.getFileName().toString()).sorted().toList();
    }
  }

  private LedgerAnswer.Stats stats() {
    try (Queries queries = new Queries(files, () -> now, List::of, Samples.ALL_OPEN)) {
      return queries.answer(new LedgerQuery.Stats("q", "r", null, null));
    }
  }

  private Writer open() throws IOException {
    return new Writer(
        files, Samples.TIERS, () -> now, Samples.RULES, "ledger-1", Lag.NONE, Samples.FIGURES);
  }
}
