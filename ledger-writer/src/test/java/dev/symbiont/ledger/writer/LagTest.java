package dev.symbiont.ledger.writer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.ChainedLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A ledger and an index that come after the journal.
class LagTest {

  private static final Lag FAR = new Lag(1_000_000, Duration.ofHours(1));

  @TempDir private Path folder;
  private LedgerFiles files;
  private Instant now = Instant.parse("2026-03-19T23:59:59Z");
  private Writer writer;

  @BeforeEach
  void open() throws IOException {
    files = new LedgerFiles(folder);
    writer = open(FAR);
  }

  @AfterEach
  void close() throws IOException {
    writer.close();
  }

  @Test
  void aBatchIsInTheJournalBeforeItIsAnywhereElse() throws IOException {
    writer.write(Life.of("task-1", "0.10").happened());

    assertThat(lines(files.journal())).isEqualTo(4);
    assertThat(lines(files.ledger())).isZero();
    assertThat(writer.isBehind()).isTrue();

    writer.project();

    assertThat(lines(files.ledger())).isEqualTo(1);
    assertThat(costOf("task-1")).isEqualTo("0.10");
    assertThat(writer.isBehind()).isFalse();
  }

  @Test
  void whatLagsIsKnownAllTheSame() throws IOException {
    var life = Life.of("task-1", "0.10");
    writer.write(life.happened());
    writer.write(life.happened());

    assertThat(lines(files.journal())).isEqualTo(4);
  }

  @Test
  void itLagsBySoMuchAtMost() throws IOException {
    writer.close();
    writer = open(new Lag(8, Duration.ofHours(1)));

    writer.write(Life.of("task-1", "0.10").happened());
    assertThat(writer.isBehind()).isTrue();
    writer.write(Life.of("task-2", "0.10").happened());

    assertThat(writer.isBehind()).isFalse();
    assertThat(lines(files.ledger())).isEqualTo(2);
  }

  @Test
  void itLagsSoLongAtMost() throws IOException {
    writer.close();
    writer = open(new Lag(1_000_000, Duration.ofNanos(1)));

    writer.write(Life.of("task-1", "0.10").happened());

    assertThat(writer.isBehind()).isFalse();
  }

  @Test
  void whatACrashFindsLaggingIsMadeGoodByTheNextStart() throws IOException {
    writer.write(Life.of("task-1", "0.10").happened());
    writer.project();
    writer.write(Life.of("task-2", "0.20").happened());
    writer.close();

    writer = open(FAR);

    assertThat(lines(files.ledger())).isEqualTo(2);
    assertThat(costOf("task-2")).isEqualTo("0.20");
  }

  @Test
  void aFileIsCompleteWhenItIsSealed() throws IOException {
    writer.write(Life.of("task-1", "0.10").happened());
    now = now.plusSeconds(10);
    writer.write(Life.of("task-2", "0.20").happened());
    writer.project();

    assertThat(lines(folder.resolve("ledger-2026-03-19.jsonl"))).isEqualTo(1);
    assertThat(ChainedLog.verify(files.ledger(), _ -> {}).lines()).isEqualTo(2);
  }

  private Writer open(Lag lag) throws IOException {
    return new Writer(
        files, Samples.TIERS, () -> now, Samples.RULES, "ledger-1", lag, Samples.FIGURES);
  }

  private static long lines(Path file) throws IOException {
    return Files.readAllLines(file).size();
  }

  /// As the index has it.
  private String costOf(String task) throws IOException {
    try (Queries queries = new Queries(files, () -> now, List::of, Samples.ALL_OPEN)) {
      LedgerAnswer.TaskById answer = queries.answer(new LedgerQuery.TaskById("q", "r", task));
      return Objects.requireNonNull(Objects.requireNonNull(answer.task()).end())
          .totalCostUsd()
          .toPlainString();
    }
  }
}
