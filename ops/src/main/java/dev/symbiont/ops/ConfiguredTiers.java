package dev.symbiont.ops;

import dev.symbiont.contract.Tiers;
import dev.symbiont.hop.HopSettings;
import java.util.List;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ConfigurableApplicationContext;

/// The tiers that the roles of this installation would have.
final class ConfiguredTiers {

  private ConfiguredTiers() {}

  /// The settings of a role, without any.
  @SpringBootConfiguration(proxyBeanMethods = false)
  @EnableConfigurationProperties(HopSettings.class)
  static class Settings {}

  /// Fails if a role would not start with the configuration.
  ///
  /// @param title who asks
  static List<String> names(String title, Installation installation) {
    try (ConfigurableApplicationContext context =
        Role.start(title, Settings.class, WebApplicationType.NONE, installation, true, List.of())) {
      return new Tiers(context.getBean(HopSettings.class).tiers()).names();
    }
  }
}
