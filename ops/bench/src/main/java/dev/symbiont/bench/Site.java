package dev.symbiont.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// A broker and processes of a fleet, all of the run's own and in one folder.
final class Site implements AutoCloseable {

  private static final Duration START_PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_MILLIS = 5;
  private static final Pattern ROUTED = Pattern.compile("messages_routed_total\\s*=>\\s*(\\d+)");

  final Path root;
  final Path folder;
  final URI broker;
  final int port = freePort();
  private final Path node;
  private final Map<String, String> environment = new HashMap<>();
  private final List<Process> processes = new ArrayList<>();

  /// @param root the project's folder
  /// @param settings of Symbiont, as JSON
  Site(Path root, Path folder, String settings) throws IOException {
    this.root = root;
    this.folder = Files.createDirectories(folder);
    this.node = folder.resolve("node");
    this.broker = URI.create(tool("ops/broker/node", "start", node.toString()).strip());
    environment.putAll(
        Map.of(
            "PATH", System.getenv("PATH"),
            "JAVA_HOME", System.getProperty("java.home"),
            "HOME", folder.toString(),
            "SYMBIONT_BROKER", broker.toString(),
            "SYMBIONT_CLAUDE", "simulated",
            "SYMBIONT_CLAUDE_HOME", folder.resolve("claude").toString(),
            "SYMBIONT_DATA", folder.resolve("ledger").toString(),
            "SYMBIONT_WORK", folder.resolve("work").toString(),
            "SYMBIONT_PORT", Integer.toString(port),
            "SPRING_APPLICATION_JSON", "{\"symbiont\": %s}".formatted(settings)));
  }

  Site with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  /// As an operator starts it. Returns when it says that it is up.
  Process start(String role) {
    return start(role, List.of(root.resolve("symbiont").toString(), "start", role));
  }

  /// A dispatcher with the adapter `noop`.
  Process startNoopDispatcher() {
    return start(
        "dispatcher",
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-Xms32m",
            "-Xmx512m",
            "--enable-native-access=ALL-UNNAMED",
            "-Dsymbiont.root=" + root,
            "-cp",
            System.getProperty("java.class.path"),
            NoopDispatcher.class.getName()));
  }

  private Process start(String role, List<String> command) {
    try {
      Path log = folder.resolve("%s-%d.log".formatted(role, processes.size()));
      var builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
      builder.environment().clear();
      builder.environment().putAll(environment);
      Process process = builder.start();
      processes.add(process);
      long end = System.nanoTime() + START_PATIENCE.toNanos();
      while (!Files.readString(log).contains(role + " is up")) {
        if (!process.isAlive() || System.nanoTime() > end) {
          throw new IllegalStateException(
              "%s did not start:%n%s".formatted(role, Files.readString(log)));
        }
        pause();
      }
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void stop(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(START_PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    processes.remove(process);
  }

  URI gateway() {
    return URI.create("http://127.0.0.1:" + port);
  }

  /// Copies of messages that the broker has put into queues since it was started.
  long routed() {
    String counters =
        tool(
            "ops/broker/node",
            "ctl",
            node.toString(),
            "eval",
            "rabbit_global_counters:overview().");
    return ROUTED
        .matcher(counters)
        .results()
        .map((MatchResult it) -> it.group(1))
        .mapToLong(Long::parseLong)
        .sum();
  }

  /// Calls that stand in the ledger.
  LineCount calls() {
    return new LineCount(folder.resolve("ledger/ledger.jsonl"));
  }

  @Override
  public void close() {
    List.copyOf(processes).reversed().forEach(this::stop);
    var _ = tool("ops/broker/node", "stop", node.toString());
  }

  /// Runs the command line, and returns what it prints.
  String symbiont(String command) {
    return output(List.of(root.resolve("symbiont").toString(), command), environment);
  }

  /// Runs a program of the project, and returns what it prints.
  private String tool(String program, String... arguments) {
    var command = new ArrayList<>(List.of(root.resolve(program).toString()));
    command.addAll(List.of(arguments));
    return output(command);
  }

  static String output(List<String> command) {
    return output(command, Map.of());
  }

  private static String output(List<String> command, Map<String, String> variables) {
    try {
      var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
      builder.environment().putAll(variables);
      Process process = builder.start();
      var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.onExit().join().exitValue() != 0) {
        throw new IllegalStateException("%s failed: %s".formatted(command, output));
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private static int freePort() {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
