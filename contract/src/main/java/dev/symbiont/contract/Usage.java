package dev.symbiont.contract;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/// What a call consumed.
///
/// @param resolvedModel the model's full name as the program reported it
public record Usage(
    long inputTokens,
    long outputTokens,
    long cacheReadTokens,
    long cacheWriteTokens,
    BigDecimal costUsd,
    CostBasis costBasis,
    @Nullable String resolvedModel) {

  public Usage {
    InvalidFieldException.require("cost_usd", costUsd);
    InvalidFieldException.require("cost_basis", costBasis);
  }

  /// Nothing was consumed, and the program is the one who says so.
  public static final Usage NONE = new Usage(0, 0, 0, 0, BigDecimal.ZERO, CostBasis.CLI, null);
}
