package dev.symbiont.ledger.writer;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.ChainedLog;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailingDiskTest {

  @TempDir Path temporary;

  @Test
  void aBatchThatDidNotFitIsWrittenOnceWhenThereIsRoomAgain() throws Exception {
    Path disk = Files.createDirectory(temporary.resolve("disk"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString()),
        "only root can mount a small disk");
    try {
      fillAndFree(disk);
    } finally {
      run("umount", "-l", disk.toString());
    }
  }

  private void fillAndFree(Path disk) throws IOException {
    var files = new LedgerFiles(disk.resolve("ledger"));
    List<Incoming> first = Life.of("task-1", "0.01").happened();
    List<Incoming> second = Life.of("task-2", "0.02").happened();
    var meters = new SimpleMeterRegistry();
    try (Writer writer = open(files, new Figures(Samples.TIERS, meters))) {
      writer.write(first);
      Path ballast = fill(disk);

      assertThatThrownBy(() -> writer.write(second)).isInstanceOf(IOException.class);
      Files.delete(ballast);
      writer.reopen();
      writer.write(second);
      writer.write(second);
    }

    assertThat(ChainedLog.verify(files.journal(), _ -> {}).lines()).isEqualTo(8);
    assertThat(ChainedLog.verify(files.ledger(), _ -> {}).lines()).isEqualTo(2);
    assertThat(meters.get("symbiont.journal.lines").counter().count()).isEqualTo(8);
    assertThat(meters.get("symbiont.calls").counters().stream().mapToDouble(Counter::count).sum())
        .isEqualTo(2);
  }

  @Test
  void aFolderThatIsAwayMakesEachTryFailUntilItIsBack() throws IOException {
    Path folder = temporary.resolve("ledger");
    Path away = temporary.resolve("away");
    var files = new LedgerFiles(folder);
    List<Incoming> batch = Life.of("task-1", "0.01").happened();

    try (Writer writer = open(files)) {
      Files.move(folder, away);
      Files.writeString(folder, "not a folder");

      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(writer::reopen).isInstanceOf(IOException.class);
      }
      Files.delete(folder);
      Files.move(away, folder);
      writer.reopen();
      writer.write(batch);
    }

    assertThat(ChainedLog.verify(files.journal(), _ -> {}).lines()).isEqualTo(4);
  }

  @Test
  void triesThatFailLeaveNoFileOpen() throws IOException {
    var files = new LedgerFiles(temporary.resolve("ledger"));
    open(files).close();
    Path journal = temporary.resolve("tasks.jsonl");
    Files.move(files.journal(), journal);
    Files.createDirectory(files.journal());
    long before = openFiles();

    for (int i = 0; i < 20; i++) {
      assertThatThrownBy(() -> open(files).close()).isInstanceOf(IOException.class);
    }

    assertThat(openFiles()).isLessThan(before + 10);
  }

  private static long openFiles() throws IOException {
    Path handles = Path.of("/proc/self/fd");
    assumeTrue(Files.exists(handles), "no /proc here");
    try (Stream<Path> all = Files.list(handles)) {
      return all.count();
    }
  }

  /// Leaves no byte free.
  private static Path fill(Path disk) throws IOException {
    Path ballast = disk.resolve("ballast");
    try (var out = Files.newOutputStream(ballast)) {
      var block = new byte[512];
      while (true) {
        out.write(block);
      }
    } catch (IOException e) {
      assertThat(new File(disk.toString()).getUsableSpace()).isZero();
    }
    return ballast;
  }

  private static boolean run(String... command) throws Exception {
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getInputStream().readAllBytes();
    return process.waitFor() == 0;
  }

  private static Writer open(LedgerFiles files) throws IOException {
    return open(files, Samples.FIGURES);
  }

  private static Writer open(LedgerFiles files, Figures figures) throws IOException {
    return new Writer(
        files,
        Samples.TIERS,
        InstantSource.fixed(NOON),
        Samples.RULES,
        "ledger-1",
        Lag.NONE,
        figures);
  }
}
