package dev.symbiont.ledger.arbiter;

import java.math.BigDecimal;

/// What was spent on one day for one purpose.
public record Sum(Key key, BigDecimal usd) {

  /// What is summed up.
  ///
  /// @param day in UTC, as 2026-01-31
  /// @param scope `fleet`, `tier:opus`, or `label:team=alpha`
  public record Key(String day, String scope) {}
}
