package dev.symbiont.hop;

import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What every role is told.
///
/// @param broker where the broker is; carries the password, so it is never printed
/// @param tiers the tiers, cheapest first
/// @param traces where they go: `off`, `otlp`, or a folder
@ConfigurationProperties("symbiont")
public record HopSettings(
    @Nullable URI broker, List<Tier> tiers, @DefaultValue(Traces.OFF) String traces) {

  @SuppressWarnings("ConstantValue") // settings may leave out anything
  public HopSettings {
    if (tiers == null || tiers.isEmpty()) {
      throw new IllegalArgumentException("symbiont.tiers: at least one tier is needed");
    }
    tiers = new Tiers(tiers).all();
  }

  URI requiredBroker() {
    if (broker == null || broker.toString().isEmpty()) {
      throw new IllegalArgumentException(
          "symbiont.broker: set SYMBIONT_BROKER=amqp://user:password@host");
    }
    return broker;
  }

  @Override
  public String toString() {
    return "HopSettings[broker=%s, tiers=%s, traces=%s]"
        .formatted(broker == null ? null : Broker.shown(broker), tiers, traces);
  }
}
