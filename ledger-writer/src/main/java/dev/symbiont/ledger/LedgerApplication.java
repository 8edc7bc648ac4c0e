package dev.symbiont.ledger;

import dev.symbiont.contract.Tiers;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Heartbeat;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.HopConfiguration;
import dev.symbiont.hop.MetricsSettings;
import dev.symbiont.hop.Publisher;
import dev.symbiont.hop.Worker;
import dev.symbiont.ledger.amqp.Gauges;
import dev.symbiont.ledger.amqp.LedgerDesk;
import dev.symbiont.ledger.writer.Figures;
import dev.symbiont.ledger.writer.Lag;
import dev.symbiont.ledger.writer.LedgerFiles;
import dev.symbiont.ledger.writer.Writer;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.random.RandomGenerator;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/// The ledger-writer as a process.
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableConfigurationProperties(LedgerSettings.class)
@Import(HopConfiguration.class)
public class LedgerApplication {

  private static final Lag LAG = new Lag(300, Duration.ofMillis(100));

  @Bean
  Worker worker(RandomGenerator random) {
    return Worker.start("ledger", random);
  }

  @Bean
  Heartbeat heartbeat(Publisher publisher, Worker worker, InstantSource clock) {
    return new Heartbeat(publisher, worker.id(), worker.role(), clock, List::of);
  }

  /// Starts to write once it has the folder for itself.
  @Bean
  Standby standby(
      Broker broker,
      Hop hop,
      Heartbeat heartbeat,
      Worker worker,
      Tiers tiers,
      InstantSource clock,
      LedgerSettings settings,
      MetricsSettings metrics,
      MeterRegistry meters) {
    var figures = new Figures(tiers, meters);
    var files = new LedgerFiles(settings.folder());
    return new Standby(
        files,
        () -> {
          var writer = openWriter(files, tiers, clock, settings, worker, figures);
          var desk =
              new LedgerDesk(
                  broker,
                  hop,
                  tiers,
                  files,
                  writer,
                  clock,
                  settings.heartbeatEvery(),
                  settings.webhooks());
          var gauges = new Gauges(broker, tiers, files, writer, desk, meters);
          desk.start();
          heartbeat.start();
          if (metrics.isOn()) {
            gauges.start();
          }
          return new AtWork(desk, writer, gauges);
        });
  }

  private static Writer openWriter(
      LedgerFiles files,
      Tiers tiers,
      InstantSource clock,
      LedgerSettings settings,
      Worker worker,
      Figures figures)
      throws IOException {
    files.keepNative();
    return new Writer(files, tiers, clock, settings.rules(), worker.id(), LAG, figures);
  }
}
