package dev.symbiont.bench;

import dev.symbiont.ledger.journal.ChainedLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Lines per second that reach the disk.
final class Append {

  private static final int BATCHES = 300;
  private static final byte[] OBJECT =
      "{\"line\": \"%s\"}".formatted("x".repeat(1_000)).getBytes(StandardCharsets.UTF_8);

  private Append() {}

  /// The journal as the ledger-writer writes it, beside a bare loop with the same bytes.
  static Sample measure(Path folder, int batch) throws IOException {
    // The compilers have to see it before it counts.
    var _ = once(Files.createTempDirectory(folder, "warm-up"), batch);
    return once(folder, batch);
  }

  private static Sample once(Path folder, int batch) throws IOException {
    double ours;
    long bytes;
    try (ChainedLog log =
        ChainedLog.open(folder.resolve("log.jsonl"), ChainedLog.Mark.START, _ -> {})) {
      long start = System.nanoTime();
      for (int i = 0; i < BATCHES; i++) {
        for (int line = 0; line < batch; line++) {
          var _ = log.add(OBJECT);
        }
        log.flush();
        log.force();
      }
      ours = BATCHES * batch / ((System.nanoTime() - start) / 1e9);
      bytes = log.mark().offset() / BATCHES;
    }
    return Sample.of(ours, bare(folder.resolve("bare"), (int) bytes, batch));
  }

  private static double bare(Path file, int bytes, int batch) throws IOException {
    var buffer = ByteBuffer.allocateDirect(bytes);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      long start = System.nanoTime();
      for (int i = 0; i < BATCHES; i++) {
        channel.write(buffer.clear());
        channel.force(false);
      }
      return BATCHES * batch / ((System.nanoTime() - start) / 1e9);
    }
  }
}
