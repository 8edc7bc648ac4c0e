package dev.symbiont.ops.explain;

import dev.symbiont.contract.Tiers;
import dev.symbiont.dispatcher.DispatcherSettings;
import dev.symbiont.hop.HopSettings;
import dev.symbiont.router.RouterSettings;
import dev.symbiont.router.policy.Policy;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/// The settings of router and dispatcher, without either.
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableConfigurationProperties({HopSettings.class, RouterSettings.class, DispatcherSettings.class})
class ExplainApplication {

  @Bean
  Tiers tiers(HopSettings settings) {
    return new Tiers(settings.tiers());
  }

  @Bean
  Policy policy(RouterSettings settings, Tiers tiers) {
    return settings.policy(tiers);
  }
}
