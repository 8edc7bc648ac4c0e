package dev.symbiont.contract;

import java.math.BigDecimal;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// What JSON from outside may look like, so that every later message which wraps it can be written
/// and read.
public final class JsonBounds {

  /// Far below what the codec reads, because messages wrap what they carry.
  private static final int MAX_DEPTH = 50;

  /// Numbers are written out in full, and `1e999999999` has a billion digits.
  private static final int MAX_DIGITS = 300;

  private JsonBounds() {}

  /// Why this JSON goes too far, if it does.
  public static Optional<String> problem(JsonNode node) {
    return problem(node, 1);
  }

  /// Why this number goes too far, if it does.
  public static Optional<String> problem(BigDecimal number) {
    return hasTooManyDigits(number)
        ? Optional.of("must have at most %d digits".formatted(MAX_DIGITS))
        : Optional.empty();
  }

  private static Optional<String> problem(JsonNode node, int depth) {
    if (node.isBigDecimal() && hasTooManyDigits(node.decimalValue())) {
      return Optional.of("holds a number with more than %d digits".formatted(MAX_DIGITS));
    }
    if (depth > MAX_DEPTH) {
      return Optional.of("nests deeper than %d levels".formatted(MAX_DEPTH));
    }
    for (JsonNode child : node) {
      Optional<String> found = problem(child, depth + 1);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  /// Both count: digits that are there, and zeros that an exponent stands for.
  private static boolean hasTooManyDigits(BigDecimal number) {
    return number.precision() > MAX_DIGITS || Math.abs((long) number.scale()) > MAX_DIGITS;
  }
}
