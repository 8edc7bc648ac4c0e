package dev.symbiont.ledger.journal;

import java.nio.file.Path;

/// A line that had reached the disk whole is not what it was.
public final class DamagedLogException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final long offset;

  DamagedLogException(Path file, long line, long offset, String problem) {
    super(
        "%s: line %d, at byte %d, was changed after it was written (%s); restore the file from a copy"
            .formatted(file, line, offset, problem));
    this.offset = offset;
  }

  public long offset() {
    return offset;
  }
}
