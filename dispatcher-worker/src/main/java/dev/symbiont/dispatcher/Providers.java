package dev.symbiont.dispatcher;

import dev.symbiont.contract.Tier;
import dev.symbiont.dispatcher.provider.Provider;
import java.util.Map;
import java.util.Objects;

/// What makes this worker's calls, by the name of the adapter.
record Providers(Map<String, Provider> byAdapter) implements AutoCloseable {

  Provider of(Tier tier) {
    return Objects.requireNonNull(byAdapter.get(tier.adapter()));
  }

  @Override
  public void close() {
    byAdapter.values().forEach(Provider::close);
  }
}
