package dev.symbiont.ledger.arbiter;

import dev.symbiont.contract.AccessKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Every key that there ever was, and the budgets that come with them.
final class AccessKeys {

  private final Map<String, AccessKey> keys = new LinkedHashMap<>();
  private final List<AccessKey> changed = new ArrayList<>();
  private final List<Budget> configured;
  private List<Budget> budgets = List.of();

  AccessKeys(Collection<AccessKey> known, List<Budget> configured) {
    this.configured = configured;
    known.forEach(it -> keys.put(it.id(), it));
    countBudgets();
  }

  void put(AccessKey key) {
    keys.put(key.id(), key);
    changed.add(key);
    countBudgets();
  }

  Optional<AccessKey> find(String id) {
    return Optional.ofNullable(keys.get(id));
  }

  /// What is configured, and what comes with keys.
  List<Budget> budgets() {
    return budgets;
  }

  List<AccessKey> takeChanged() {
    var all = List.copyOf(changed);
    changed.clear();
    return all;
  }

  /// Those of revoked keys as well: tasks of theirs may still be on their way.
  private void countBudgets() {
    budgets =
        Stream.concat(
                configured.stream(),
                keys.values().stream()
                    .filter(it -> it.usdPerDay() != null)
                    .map(
                        it ->
                            new Budget(
                                null, AccessKey.LABEL, it.id(), it.usdPerDay(), it.whenSpent())))
            .toList();
  }
}
