package dev.symbiont.ledger.journal;

/// Where a line stands in its file, in bytes; the length includes the line end.
public record Span(long offset, int length) {

  public long end() {
    return offset + length;
  }
}
