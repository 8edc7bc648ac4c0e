package dev.symbiont.dispatcher;

import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.dispatcher.amqp.DispatcherDesk;
import dev.symbiont.dispatcher.amqp.FromLedger;
import dev.symbiont.dispatcher.amqp.LedgerOverAmqp;
import dev.symbiont.dispatcher.attempt.Attempt;
import dev.symbiont.dispatcher.attempt.RunningCalls;
import dev.symbiont.dispatcher.attempt.TierBoard;
import dev.symbiont.dispatcher.attempt.WorkFolder;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Watchdog;
import dev.symbiont.dispatcher.provider.Provider;
import dev.symbiont.dispatcher.provider.claude.ClaudeProvider;
import dev.symbiont.dispatcher.provider.claude.ClaudeSettings;
import dev.symbiont.dispatcher.provider.exec.ExecProvider;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Heartbeat;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.HopConfiguration;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Publisher;
import dev.symbiont.hop.Traces;
import dev.symbiont.hop.Worker;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.random.RandomGenerator;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/// The dispatcher as a process.
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableConfigurationProperties(DispatcherSettings.class)
@Import(HopConfiguration.class)
public class DispatcherApplication {

  private static final String ROLE = "dispatcher";

  @Bean
  Worker worker(RandomGenerator random) {
    return Worker.start(ROLE, random);
  }

  @Bean
  WorkFolder workFolder(DispatcherSettings settings, Worker worker) throws IOException {
    Path folder = settings.workFolder().toAbsolutePath().resolve(worker.id());
    return new WorkFolder(Files.createDirectories(folder));
  }

  @Bean
  Watchdog watchdog(WorkFolder folder) throws IOException {
    return new Watchdog(folder.path());
  }

  @Bean
  ChildProcess childProcess(Watchdog watchdog) {
    return new ChildProcess(watchdog);
  }

  @Bean
  TierBoard tierBoard() {
    return new TierBoard();
  }

  @Bean
  RunningCalls runningCalls(MeterRegistry meters) {
    var running = new RunningCalls();
    Gauge.builder("symbiont.calls.running", running, it -> it.ids().size())
        .description("Calls that this dispatcher makes just now")
        .register(meters);
    return running;
  }

  @Bean
  LedgerClient ledgerClient(
      Broker broker,
      Hop hop,
      Worker worker,
      TierBoard board,
      RunningCalls running,
      Tiers tiers,
      InstantSource clock) {
    var listener = new FromLedger(board, running, tiers, hop, clock);
    return new LedgerClient(broker, hop, worker.id(), listener);
  }

  @Bean
  Attempt.Surroundings surroundings(
      Worker worker,
      WorkFolder folder,
      RunningCalls running,
      TierBoard board,
      InstantSource clock,
      DispatcherSettings settings,
      Traces traces) {
    return new Attempt.Surroundings(
        worker.id(),
        folder,
        running,
        board,
        clock,
        new Attempt.Patience(settings.maxTries(), settings.firstWait()),
        traces.tracer());
  }

  /// Further adapters are beans that are named like them.
  @Bean
  Providers providers(
      Tiers tiers,
      DispatcherSettings settings,
      Environment environment,
      ChildProcess child,
      WorkFolder folder,
      ListableBeanFactory beans)
      throws IOException {
    var providers = new HashMap<>(beans.getBeansOfType(Provider.class));
    providers.put("exec", new ExecProvider(child));
    List<Tier> ofClaude =
        mine(tiers, settings).stream().filter(it -> it.adapter().equals("claude")).toList();
    if (!ofClaude.isEmpty()) {
      int slots = ofClaude.stream().mapToInt(Tier::concurrency).sum();
      Path warm = Files.createDirectory(folder.path().resolve("warm"));
      providers.put(
          "claude",
          new ClaudeProvider(
              child, claude(settings, environment), settings.warm().settings(slots), warm));
    }
    return new Providers(providers);
  }

  /// Created last and stopped first.
  @Bean
  Dispatchers dispatchers(
      Tiers tiers,
      DispatcherSettings settings,
      Providers providers,
      Broker broker,
      Hop hop,
      Publisher publisher,
      LedgerClient ledger,
      Attempt.Surroundings around,
      MeterRegistry meters) {
    List<Attempt> attempts =
        mine(tiers, settings).stream()
            .map(
                tier ->
                    new Attempt(
                        tier,
                        tiers,
                        providers.of(tier),
                        new LedgerOverAmqp(ledger, hop, publisher),
                        around))
            .toList();
    attempts.forEach(it -> limiter(it, meters));
    List<DispatcherDesk> desks =
        attempts.stream()
            .map(
                it ->
                    new DispatcherDesk(
                        it,
                        tiers,
                        around.board(),
                        around.running(),
                        broker,
                        hop,
                        settings.stopGrace()))
            .toList();
    var heartbeat =
        new Heartbeat(
            publisher, around.worker(), ROLE, around.clock(), () -> around.running().ids());
    return new Dispatchers(desks, heartbeat);
  }

  private static void limiter(Attempt attempt, MeterRegistry meters) {
    Gauge.builder("symbiont.limiter.free", attempt, Attempt::freePermissions)
        .description("Questions for a call that this dispatcher may ask at once, of its own pace")
        .tag("tier", attempt.tier().name())
        .register(meters);
    Gauge.builder("symbiont.slots", () -> attempt.tier().concurrency())
        .description("Calls that this dispatcher can make at a time")
        .tag("tier", attempt.tier().name())
        .register(meters);
  }

  private static List<Tier> mine(Tiers tiers, DispatcherSettings settings) {
    return settings.tiers().isEmpty()
        ? tiers.all()
        : settings.tiers().stream()
            .map(name -> tiers.require(name, "symbiont.dispatcher.tiers"))
            .toList();
  }

  private static ClaudeSettings claude(DispatcherSettings settings, Environment environment)
      throws IOException {
    Path program = settings.claude();
    if (program == null || !Files.isExecutable(program)) {
      throw new IllegalArgumentException(
          "symbiont.dispatcher.claude: %s is not an executable file; set SYMBIONT_CLAUDE to the Claude CLI"
              .formatted(program));
    }
    var credentials = new HashMap<String, String>();
    for (String name : settings.passOn()) {
      String value = environment.getProperty(name);
      if (value != null) {
        credentials.put(name, value);
      }
    }
    Path home = Files.createDirectories(settings.claudeHome().toAbsolutePath());
    return new ClaudeSettings(program.toAbsolutePath(), home, credentials, settings.systemPrompt());
  }
}
