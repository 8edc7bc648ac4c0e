package dev.symbiont.ops;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Where things are: the project's folder as the launcher names it, and the environment.
public record Installation(Path root, Map<String, String> environment) {

  public static final String SIMULATED = "simulated";

  private static final String DEFAULT_PORT = "8111";

  public static Installation current() {
    return new Installation(
        Path.of(System.getProperty("symbiont.root", ".")).toAbsolutePath().normalize(),
        System.getenv());
  }

  Path simulatedClaude() {
    return root.resolve("ops/simulated-claude/claude");
  }

  Path brokerFolder() {
    return root.resolve("var/broker");
  }

  Path fleetLock() {
    return root.resolve("var/fleet.lock");
  }

  Path ledgerFolder() {
    return Path.of(
        environment.getOrDefault("SYMBIONT_DATA", root.resolve("var/ledger").toString()));
  }

  /// The home that the dispatcher gives the CLI.
  Path claudeHome() {
    return Path.of(
        environment.getOrDefault("SYMBIONT_CLAUDE_HOME", root.resolve("var/claude").toString()));
  }

  Optional<String> configuredBroker() {
    return Optional.ofNullable(environment.get("SYMBIONT_BROKER")).filter(it -> !it.isBlank());
  }

  /// The key to the gateway, if there is one.
  Optional<String> key() {
    return Optional.ofNullable(environment.get("SYMBIONT_KEY")).filter(it -> !it.isBlank());
  }

  /// Settings for the form of log lines that `SYMBIONT_LOG` asks for.
  List<String> logSettings() {
    String form = environment.getOrDefault("SYMBIONT_LOG", "");
    return switch (form) {
      case "", "text" -> List.of();
      case "json" -> List.of("logging.structured.format.console=logstash");
      default ->
          throw new SetupException("SYMBIONT_LOG=%s: set it to json or text".formatted(form));
    };
  }

  /// Where the broker of a fleet is: the configured one, else the private one if it runs.
  public URI broker() {
    return configuredBroker()
        .map(URI::create)
        .or(() -> new PrivateBroker(this).running())
        .orElseThrow(
            () ->
                new SetupException(
                    "no broker: run ./symbiont broker start, or set SYMBIONT_BROKER=amqp://user:password@host"));
  }

  /// Where the gateway is to be found, or to be put.
  String gatewayAddress() {
    return "http://%s:%s"
        .formatted(
            environment.getOrDefault("SYMBIONT_ADDRESS", "127.0.0.1"),
            environment.getOrDefault("SYMBIONT_PORT", DEFAULT_PORT));
  }

  /// The Claude CLI: the one that `SYMBIONT_CLAUDE` names, else the one on the PATH.
  public Optional<Path> claude() {
    String named = environment.getOrDefault("SYMBIONT_CLAUDE", "");
    if (named.equals(SIMULATED)) {
      return Optional.of(simulatedClaude());
    }
    if (!named.isBlank()) {
      Path program = Path.of(named).toAbsolutePath();
      if (!Files.isExecutable(program)) {
        throw new SetupException(
            "SYMBIONT_CLAUDE=%s is not an executable file; name the Claude CLI, or 'simulated'"
                .formatted(named));
      }
      return Optional.of(program);
    }
    return Stream.of(environment.getOrDefault("PATH", "").split(":", -1))
        .filter(folder -> !folder.isBlank())
        .map(folder -> Path.of(folder, "claude"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  boolean isSimulated(Path program) {
    return program.equals(simulatedClaude());
  }
}
