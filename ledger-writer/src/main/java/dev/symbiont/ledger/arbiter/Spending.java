package dev.symbiont.ledger.arbiter;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What was spent on each day, by the fleet, by tier and by label: of a call under way what is
/// reserved for it, of one that has ended what it cost. A call counts for the day on which it
/// began.
final class Spending {

  private final Map<Sum.Key, BigDecimal> sums = new HashMap<>();
  private final Map<Sum.Key, BigDecimal> added = new HashMap<>();

  Spending(List<Sum> known) {
    known.forEach(it -> sums.put(it.key(), it.usd()));
  }

  BigDecimal of(String day, String scope) {
    return sums.getOrDefault(new Sum.Key(day, scope), BigDecimal.ZERO);
  }

  void add(String day, String tier, Map<String, String> labels, BigDecimal usd) {
    if (usd.signum() == 0) {
      return;
    }
    add(day, Budget.FLEET, usd);
    add(day, Budget.tierScope(tier), usd);
    labels.forEach((label, value) -> add(day, Budget.labelScope(label, value), usd));
  }

  /// The sums of a day.
  Map<String, BigDecimal> on(String day) {
    var found = new HashMap<String, BigDecimal>();
    sums.forEach(
        (key, usd) -> {
          if (key.day().equals(day)) {
            found.put(key.scope(), usd);
          }
        });
    return found;
  }

  /// What was added since the last call of this. Sums of days before `oldest` are forgotten here:
  /// no budget looks at them any more.
  List<Sum> takeAdded(String oldest) {
    var all = new ArrayList<Sum>();
    added.forEach((key, usd) -> all.add(new Sum(key, usd)));
    added.clear();
    sums.keySet().removeIf(it -> it.day().compareTo(oldest) < 0);
    return all;
  }

  private void add(String day, String scope, BigDecimal usd) {
    var key = new Sum.Key(day, scope);
    sums.merge(key, usd, BigDecimal::add);
    added.merge(key, usd, BigDecimal::add);
  }
}
