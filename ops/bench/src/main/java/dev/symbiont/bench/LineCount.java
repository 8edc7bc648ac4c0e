package dev.symbiont.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/// Counts the lines of a file that grows, which costs nobody else anything.
final class LineCount {

  private static final Duration PATIENCE = Duration.ofMinutes(30);

  private final Path file;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(1 << 20);
  private long position;
  private long lines;

  LineCount(Path file) {
    this.file = file;
    now();
  }

  /// The lines that are in it now.
  long now() {
    if (!Files.exists(file)) {
      return 0;
    }
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      while (in.read(chunk.clear(), position) > 0) {
        chunk.flip();
        position += chunk.limit();
        while (chunk.hasRemaining()) {
          if (chunk.get() == '\n') {
            lines++;
          }
        }
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Returns when there are so many.
  void await(long wanted) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (now() < wanted) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("only %d of %d lines in %s".formatted(lines, wanted, file));
      }
      Site.pause();
    }
  }
}
