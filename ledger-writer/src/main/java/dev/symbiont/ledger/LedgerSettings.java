package dev.symbiont.ledger;

import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What the ledger-writer is told.
///
/// @param folder where the journal, the ledger and the index are
/// @param heartbeatEvery time between two health snapshots
/// @param maxCallsPerStep calls that may begin for one step of a task; the next one sets it aside
@ConfigurationProperties("symbiont.ledger")
public record LedgerSettings(
    @DefaultValue("var/ledger") Path folder,
    @DefaultValue("5m") Duration heartbeatEvery,
    @DefaultValue("5") int maxCallsPerStep) {

  public LedgerSettings {
    if (!heartbeatEvery.isPositive()) {
      throw new IllegalArgumentException("symbiont.ledger.heartbeat-every: must be positive");
    }
    if (maxCallsPerStep < 1) {
      throw new IllegalArgumentException("symbiont.ledger.max-calls-per-step: must be positive");
    }
  }
}
