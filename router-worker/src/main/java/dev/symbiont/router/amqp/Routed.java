package dev.symbiont.router.amqp;

import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Tiers;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/// Counts decisions. All counters are there from the beginning, so that the first decision shows as
/// a rise.
public final class Routed {

  private final Map<String, Map<DecidedBy, Counter>> counters = new HashMap<>();

  public Routed(Tiers tiers, MeterRegistry meters) {
    for (String tier : tiers.names()) {
      var byDecider = new EnumMap<DecidedBy, Counter>(DecidedBy.class);
      for (DecidedBy by : DecidedBy.values()) {
        byDecider.put(
            by,
            Counter.builder("symbiont.tasks.routed")
                .description("Tasks that the router sent to a tier")
                .tag("tier", tier)
                .tag("decided_by", by.wire())
                .register(meters));
      }
      counters.put(tier, byDecider);
    }
  }

  void count(Decision decision) {
    var byDecider = Objects.requireNonNull(counters.get(decision.tier()));
    Objects.requireNonNull(byDecider.get(decision.decidedBy())).increment();
  }
}
