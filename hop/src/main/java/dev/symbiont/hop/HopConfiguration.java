package dev.symbiont.hop;

import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.topology.Topology;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.random.RandomGenerator;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// The beans that every role stands on. A role adds a [Worker].
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(HopSettings.class)
public class HopConfiguration {

  @Bean
  Tiers tiers(HopSettings settings) {
    return new Tiers(settings.tiers());
  }

  @Bean
  InstantSource clock() {
    return InstantSource.system();
  }

  @Bean
  RandomGenerator random() {
    return new SecureRandom();
  }

  @Bean(initMethod = "start")
  Broker broker(HopSettings settings, Worker worker, Tiers tiers) {
    return new Broker(settings.requiredBroker(), worker.id(), Topology.of(tiers.names()));
  }

  @Bean
  Publisher publisher(Broker broker) {
    return new Publisher(broker);
  }

  @Bean
  Hop hop(Publisher publisher) {
    return new Hop(publisher);
  }
}
