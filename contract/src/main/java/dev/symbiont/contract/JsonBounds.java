package dev.symbiont.contract;

import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// What JSON from outside may look like, so that every later message which wraps it can be written
/// and read.
public final class JsonBounds {

  /// Far below what the codec reads, because messages wrap what they carry.
  private static final int MAX_DEPTH = 50;

  /// Numbers are written out in full, and `1e999999999` has a billion digits.
  private static final int MAX_SCALE = 300;

  private JsonBounds() {}

  /// Why this JSON goes too far, if it does.
  public static Optional<String> problem(JsonNode node) {
    return problem(node, 1);
  }

  private static Optional<String> problem(JsonNode node, int depth) {
    if (node.isBigDecimal() && Math.abs((long) node.decimalValue().scale()) > MAX_SCALE) {
      return Optional.of("holds a number with more than %d digits".formatted(MAX_SCALE));
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
}
