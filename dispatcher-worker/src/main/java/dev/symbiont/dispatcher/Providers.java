package dev.symbiont.dispatcher;

import dev.symbiont.contract.Tier;
import dev.symbiont.dispatcher.provider.Provider;
import java.util.Map;
import java.util.TreeSet;

/// What makes this worker's calls, by the name of the adapter.
record Providers(Map<String, Provider> byAdapter) implements AutoCloseable {

  Provider of(Tier tier) {
    Provider provider = byAdapter.get(tier.adapter());
    if (provider == null) {
      throw new IllegalArgumentException(
          "symbiont.tiers[%s]: there is no adapter '%s' here; choose one of: %s"
              .formatted(
                  tier.name(),
                  tier.adapter(),
                  String.join(", ", new TreeSet<>(byAdapter.keySet()))));
    }
    return provider;
  }

  @Override
  public void close() {
    byAdapter.values().forEach(Provider::close);
  }
}
