package dev.symbiont.hop;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// Where a role shows its meters.
///
/// @param port 0: nowhere
/// @param offset added to the port, so that roles in one process do not meet on it
@ConfigurationProperties("symbiont.metrics")
public record MetricsSettings(
    @DefaultValue("0") int port,
    @DefaultValue("127.0.0.1") String address,
    @DefaultValue("0") int offset) {

  private static final int HIGHEST = 65_535;

  public MetricsSettings {
    if (port < 0 || port + offset > HIGHEST) {
      throw new IllegalArgumentException("symbiont.metrics.port: must be a port, or 0 for none");
    }
  }

  public boolean isOn() {
    return port != 0;
  }

  int actualPort() {
    return port + offset;
  }
}
