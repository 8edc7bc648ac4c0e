package dev.symbiont.ledger.arbiter;

import java.time.Duration;

/// How long a tier stays closed when nobody said until when: `first`, doubled each time that this
/// was too short, `most` at the longest.
public record Backoff(Duration first, Duration most) {

  public static final Backoff DEFAULT = new Backoff(Duration.ofSeconds(30), Duration.ofMinutes(15));

  public Backoff {
    if (!first.isPositive() || most.compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "symbiont.ledger.limit-backoff: first must be positive, and most not shorter");
    }
  }

  /// @param failures how often in a row, from 1
  /// @param lot what the jitter is drawn from: the same lot gives the same time, so that the
  ///   journal read again says the same
  Duration after(int failures, String lot) {
    Duration plain = first.multipliedBy(1L << Math.min(failures - 1, 30));
    if (plain.compareTo(most) > 0) {
      plain = most;
    }
    long jitter = Math.floorMod(lot.hashCode(), Math.max(1, plain.toMillis() / 5));
    return plain.minusMillis(jitter);
  }
}
