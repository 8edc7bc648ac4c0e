package dev.symbiont.ledger.arbiter;

import dev.symbiont.contract.WhenSpent;
import java.math.BigDecimal;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What may be spent in a day (UTC): by the fleet, by one tier, or by the tasks with one label. A
/// label without a value stands for each of its values, which then have this much each.
public record Budget(
    @Nullable String tier,
    @Nullable String label,
    @Nullable String value,
    BigDecimal usdPerDay,
    WhenSpent whenSpent) {

  @SuppressWarnings("ConstantValue") // settings may leave out anything
  public Budget {
    if (usdPerDay == null || usdPerDay.signum() < 0) {
      throw new IllegalArgumentException("symbiont.ledger.budgets: usd-per-day must be a number");
    }
    if ((tier != null && label != null) || (value != null && label == null)) {
      throw new IllegalArgumentException(
          "symbiont.ledger.budgets: name a tier, or a label with or without value, or neither");
    }
    whenSpent = whenSpent == null ? WhenSpent.WAIT : whenSpent;
  }

  /// What is added up for it by a call, if it counts: the key of a sum of the day.
  Optional<String> scope(String ofTier, Map<String, String> labels) {
    if (tier != null) {
      return tier.equals(ofTier) ? Optional.of(tierScope(tier)) : Optional.empty();
    }
    if (label == null) {
      return Optional.of(FLEET);
    }
    String has = labels.get(label);
    return has == null || (value != null && !value.equals(has))
        ? Optional.empty()
        : Optional.of(labelScope(label, has));
  }

  /// Whether the sum with this key is bounded by it.
  public boolean covers(String scope) {
    if (tier != null) {
      return scope.equals(tierScope(tier));
    }
    if (label == null) {
      return scope.equals(FLEET);
    }
    return value == null
        ? scope.startsWith(labelScope(label, ""))
        : scope.equals(labelScope(label, value));
  }

  static final String FLEET = "fleet";

  public static String tierScope(String tier) {
    return "tier:" + tier;
  }

  static String labelScope(String label, String value) {
    return "label:%s=%s".formatted(label, value);
  }
}
