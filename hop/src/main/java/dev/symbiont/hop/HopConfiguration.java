package dev.symbiont.hop;

import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.topology.Topology;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.random.RandomGenerator;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// The beans that every role stands on. A role adds a [Worker].
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({HopSettings.class, MetricsSettings.class})
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
  Hop hop(Publisher publisher, Traces traces) {
    return new Hop(publisher, traces);
  }

  @Bean
  Traces traces(HopSettings settings, Worker worker) {
    return Traces.to(settings.traces(), worker);
  }

  @Bean
  PrometheusMeterRegistry meters() {
    return new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  }

  @Bean
  Vitals vitals(
      PrometheusMeterRegistry meters, Worker worker, Broker broker, List<Vitals.Check> checks) {
    return new Vitals(meters, worker, broker, checks);
  }

  @Bean(initMethod = "start")
  MetricsServer metricsServer(MetricsSettings settings, Vitals vitals) {
    return new MetricsServer(settings, vitals);
  }
}
