package dev.symbiont.ledger.index;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A part of a list, newest first.
///
/// @param next the cursor of what comes after it; nothing at the end
public record Page<E>(List<E> rows, @Nullable String next) {

  static <E> Page<E> of(List<E> rows, int limit, Function<E, Cursor> cursor) {
    return new Page<>(rows, rows.size() < limit ? null : cursor.apply(rows.getLast()).toString());
  }
}
