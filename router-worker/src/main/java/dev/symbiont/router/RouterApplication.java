package dev.symbiont.router;

import dev.symbiont.contract.Tiers;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Heartbeat;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.HopConfiguration;
import dev.symbiont.hop.Publisher;
import dev.symbiont.hop.Worker;
import dev.symbiont.router.amqp.Routed;
import dev.symbiont.router.amqp.RouterDesk;
import dev.symbiont.router.policy.Policy;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;
import java.util.List;
import java.util.random.RandomGenerator;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/// The router as a process.
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableConfigurationProperties(RouterSettings.class)
@Import(HopConfiguration.class)
public class RouterApplication {

  @Bean
  Worker worker(RandomGenerator random) {
    return Worker.start("router", random);
  }

  @Bean(initMethod = "start")
  Heartbeat heartbeat(Publisher publisher, Worker worker, InstantSource clock) {
    return new Heartbeat(publisher, worker.id(), worker.role(), clock, List::of);
  }

  @Bean
  Policy policy(Tiers tiers, RouterSettings settings) {
    return settings.policy(tiers);
  }

  @Bean(initMethod = "start")
  RouterDesk routerDesk(
      Broker broker,
      Hop hop,
      Policy policy,
      InstantSource clock,
      RandomGenerator random,
      Tiers tiers,
      MeterRegistry meters) {
    return new RouterDesk(broker, hop, policy, clock, random, new Routed(tiers, meters));
  }
}
