package dev.symbiont.ledger.writer;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.ledger.Samples;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FiguresTest {

  @TempDir private Path folder;

  @Test
  void whatComesAgainCountsOnce() throws IOException {
    var meters = new SimpleMeterRegistry();
    var batch = Life.of("task-1", "0.01").happened();

    try (Writer writer = open(meters)) {
      writer.write(batch);
      writer.write(batch);
      writer.reopen();
      writer.write(batch);
    }

    assertThat(sum(meters, "symbiont.calls")).isEqualTo(1);
    assertThat(sum(meters, "symbiont.cost")).isEqualTo(0.01);
    assertThat(sum(meters, "symbiont.tasks.ended")).isEqualTo(1);
    assertThat(sum(meters, "symbiont.journal.lines")).isEqualTo(4);
  }

  @Test
  void whatIsReadOnAStartDoesNotCount() throws IOException {
    try (Writer writer = open(new SimpleMeterRegistry())) {
      writer.write(Life.of("task-1", "0.01").happened());
    }
    var meters = new SimpleMeterRegistry();

    open(meters).close();

    assertThat(sum(meters, "symbiont.calls")).isZero();
    assertThat(sum(meters, "symbiont.journal.lines")).isZero();
  }

  private Writer open(MeterRegistry meters) throws IOException {
    return new Writer(
        new LedgerFiles(folder),
        Samples.TIERS,
        InstantSource.fixed(NOON),
        Samples.RULES,
        "ledger-1",
        Lag.NONE,
        new Figures(Samples.TIERS, meters));
  }

  private static double sum(MeterRegistry meters, String name) {
    return meters.find(name).counters().stream().mapToDouble(Counter::count).sum();
  }
}
