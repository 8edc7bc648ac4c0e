package dev.symbiont.ledger.index;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Conditions that all have to hold.
final class Filter {

  private final List<String> conditions = new ArrayList<>(List.of("true"));
  private final List<Object> values = new ArrayList<>();

  /// Nothing is asked of a value that is absent.
  void add(String condition, @Nullable Object... of) {
    for (Object value : of) {
      if (value == null) {
        return;
      }
      values.add(value);
    }
    conditions.add(condition);
  }

  Sql.Query query(Sql sql, String select, String order, int limit) {
    values.add(limit);
    return sql.query(
        "%s WHERE %s %s LIMIT ?".formatted(select, String.join(" AND ", conditions), order),
        values.toArray());
  }
}
