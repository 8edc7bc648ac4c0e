package dev.symbiont.ledger;

import dev.symbiont.ledger.amqp.TierWatcher;
import dev.symbiont.ledger.arbiter.Arbiter;
import dev.symbiont.ledger.arbiter.Backoff;
import dev.symbiont.ledger.arbiter.Budget;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What the ledger-writer is told.
///
/// @param folder where the journal, the ledger and the index are
/// @param heartbeatEvery time between two health snapshots
/// @param maxCallsPerStep calls that may begin for one step of a task; the next one sets it aside
/// @param limitBackoff how long a tier stays closed when a limit does not say until when
/// @param probeExpiry how long the first call after a limit may take before another one is tried
/// @param budgets what may be spent in a day
/// @param webhooks who is called when a tier is limited or open again
@ConfigurationProperties("symbiont.ledger")
public record LedgerSettings(
    @DefaultValue("var/ledger") Path folder,
    @DefaultValue("5m") Duration heartbeatEvery,
    @DefaultValue("5") int maxCallsPerStep,
    @Nullable Backoff limitBackoff,
    @DefaultValue("15s") Duration probeExpiry,
    @DefaultValue List<Budget> budgets,
    @DefaultValue List<TierWatcher> webhooks) {

  public LedgerSettings {
    if (!heartbeatEvery.isPositive()) {
      throw new IllegalArgumentException("symbiont.ledger.heartbeat-every: must be positive");
    }
    if (maxCallsPerStep < 1) {
      throw new IllegalArgumentException("symbiont.ledger.max-calls-per-step: must be positive");
    }
    if (!probeExpiry.isPositive()) {
      throw new IllegalArgumentException("symbiont.ledger.probe-expiry: must be positive");
    }
    budgets = List.copyOf(budgets);
    webhooks = List.copyOf(webhooks);
  }

  Arbiter.Rules rules() {
    return new Arbiter.Rules(
        maxCallsPerStep,
        limitBackoff == null ? Backoff.DEFAULT : limitBackoff,
        probeExpiry,
        budgets);
  }
}
