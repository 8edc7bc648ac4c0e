package dev.symbiont.ledger.writer;

import java.time.Duration;

/// How far ledger and index may lag behind the journal while more comes in.
///
/// @param lines of the journal
public record Lag(int lines, Duration time) {

  /// Not at all.
  public static final Lag NONE = new Lag(0, Duration.ZERO);
}
