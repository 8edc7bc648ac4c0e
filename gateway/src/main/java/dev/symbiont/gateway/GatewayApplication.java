package dev.symbiont.gateway;

import dev.symbiont.contract.Tiers;
import dev.symbiont.gateway.access.KeyRing;
import dev.symbiont.gateway.intake.Asking;
import dev.symbiont.gateway.intake.Backpressure;
import dev.symbiont.gateway.intake.Batches;
import dev.symbiont.gateway.intake.IntakeSettings;
import dev.symbiont.gateway.intake.Submission;
import dev.symbiont.gateway.intake.Waiting;
import dev.symbiont.gateway.webhook.Webhooks;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Heartbeat;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.HopConfiguration;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Publisher;
import dev.symbiont.hop.Worker;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;
import java.util.List;
import java.util.random.RandomGenerator;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.amqp.autoconfigure.RabbitAutoConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.security.autoconfigure.UserDetailsServiceAutoConfiguration;
import org.springframework.boot.webmvc.autoconfigure.error.ErrorMvcAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Import;

/// The gateway as a process.
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration(
    exclude = {
      RabbitAutoConfiguration.class,
      ErrorMvcAutoConfiguration.class,
      UserDetailsServiceAutoConfiguration.class
    })
@EnableConfigurationProperties(IntakeSettings.class)
@ComponentScan
@Import(HopConfiguration.class)
public class GatewayApplication {

  @Bean
  Worker worker(RandomGenerator random) {
    return Worker.start("gateway", random);
  }

  @Bean
  Waiting waiting() {
    return new Waiting();
  }

  @Bean
  Submission submission(
      Publisher publisher,
      Tiers tiers,
      Webhooks webhooks,
      Broker broker,
      IntakeSettings settings,
      InstantSource clock,
      RandomGenerator random,
      MeterRegistry meters) {
    var backpressure = new Backpressure(settings.mostWaiting(), broker, tiers.names());
    return new Submission(publisher, tiers, webhooks, backpressure, clock, random, meters);
  }

  @Bean
  Texts texts() {
    return new Texts();
  }

  @Bean
  KeyRing keyRing(InstantSource clock) {
    return new KeyRing(clock);
  }

  @Bean
  LedgerClient ledgerClient(
      Broker broker, Hop hop, Worker worker, Waiting waiting, Texts texts, KeyRing keys) {
    return new LedgerClient(broker, hop, worker.id(), waiting, texts, keys);
  }

  @Bean
  LedgerDoor ledgerDoor(LedgerClient client) {
    return new LedgerDoor(client);
  }

  @Bean
  Asking asking(Submission submission, Waiting waiting, LedgerDoor ledger) {
    return new Asking(submission, waiting, ledger);
  }

  @Bean
  Batches batches(Submission submission, Asking asking) {
    return new Batches(submission, asking);
  }

  @Bean(initMethod = "start")
  Heartbeat heartbeat(Publisher publisher, Worker worker, InstantSource clock) {
    return new Heartbeat(publisher, worker.id(), worker.role(), clock, List::of);
  }
}
