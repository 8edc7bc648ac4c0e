package dev.symbiont.ops.chaos;

import dev.symbiont.ledger.writer.LedgerFiles;
import dev.symbiont.ops.Installation;
import dev.symbiont.ops.PrivateBroker;
import dev.symbiont.ops.SetupException;
import dev.symbiont.ops.Symbiont;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Each role as processes of its own, on a broker and in a folder of the run's own, with the
/// simulated CLI. Who is killed is started again at once.
final class ChaosFleet implements AutoCloseable {

  /// So many of each: two ledger-writers, of which one stands by.
  private static final Map<String, Integer> SIZE =
      Map.of("gateway", 1, "router", 2, "dispatcher", 3, "ledger", 2);

  /// Tasks with this label share one budget.
  static final String LABEL = "budget";

  /// Less than what they ask for.
  static final BigDecimal BUDGET_USD = new BigDecimal("0.3");

  private static final int TIMEOUT_SECONDS = 4;
  private static final String SETTINGS =
      """
      {"symbiont": {"tiers": [
        {"name": "haiku", "rate": {"calls": 60000, "period": "1m"}, "concurrency": 3, "timeout": "%1$ds",
         "typical-cost-usd": 0.008, "fallback": ["sonnet", "opus"]},
        {"name": "sonnet", "rate": {"calls": 60000, "period": "1m"}, "concurrency": 3, "timeout": "%1$ds",
         "typical-cost-usd": 0.04, "fallback": ["opus"]},
        {"name": "opus", "rate": {"calls": 60000, "period": "1m"}, "concurrency": 2, "timeout": "%1$ds",
         "typical-cost-usd": 0.15}],
       "dispatcher": {"first-wait": "100ms", "stop-grace": "10s"},
       "ledger": {"limit-backoff": {"first": "1s", "most": "5s"}, "probe-expiry": "5s",
                  "budgets": [{"label": "%2$s", "usd-per-day": %3$s, "when-spent": "refuse"}]}}}
      """
          .formatted(TIMEOUT_SECONDS, ChaosFleet.LABEL, ChaosFleet.BUDGET_USD);

  final Path folder;
  final int port;
  private final URI broker;
  private final @Nullable PrivateBroker privateBroker;
  private final List<String> jvm;
  private final Map<String, String> environment;
  private final Map<String, Process> members = new LinkedHashMap<>();

  /// Pids of processes that were killed or paused, whose calls may therefore be unknown.
  private final Set<Long> disturbed = ConcurrentHashMap.newKeySet();

  private int started;
  private volatile boolean closed;

  /// @param broker to use; one of the run's own if absent, which can then be killed as well
  /// @param agent options for every process, such as an agent that plants a defect
  ChaosFleet(Installation installation, Path folder, @Nullable URI broker, List<String> agent)
      throws IOException {
    this.folder = folder;
    this.port = freePort();
    this.privateBroker =
        broker == null ? PrivateBroker.in(installation, folder.resolve("broker")) : null;
    this.broker = privateBroker == null ? Objects.requireNonNull(broker) : privateBroker.start();
    this.jvm =
        Stream.concat(
                Stream.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-Xmx256m",
                    "--enable-native-access=ALL-UNNAMED",
                    "-Dsymbiont.root=" + installation.root()),
                agent.stream())
            .toList();
    Files.createDirectories(folder.resolve("logs"));
    this.environment =
        Map.of(
            "PATH", "/usr/bin:/bin",
            "HOME", folder.toString(),
            "SYMBIONT_BROKER", this.broker.toString(),
            "SYMBIONT_CLAUDE", Installation.SIMULATED,
            "SYMBIONT_CLAUDE_HOME", folder.resolve("claude").toString(),
            "SYMBIONT_DATA", folder.resolve("ledger").toString(),
            "SYMBIONT_WORK", folder.resolve("work").toString(),
            "SYMBIONT_PORT", Integer.toString(port),
            "SYMBIONT_SIMULATED_TRUTH", truth().toString(),
            "SPRING_APPLICATION_JSON", SETTINGS);
  }

  void start() {
    for (String role : List.of("ledger", "dispatcher", "router", "gateway")) {
      for (int i = 1; i <= Objects.requireNonNull(SIZE.get(role)); i++) {
        launch(role + "-" + i);
      }
    }
  }

  URI broker() {
    return broker;
  }

  URI gateway() {
    return URI.create("http://127.0.0.1:" + port);
  }

  LedgerFiles ledgerFiles() {
    return new LedgerFiles(folder.resolve("ledger"));
  }

  /// What the simulated CLI itself says was called.
  Path truth() {
    return folder.resolve("truth.jsonl");
  }

  Path work() {
    return folder.resolve("work");
  }

  boolean ownsBroker() {
    return privateBroker != null;
  }

  boolean wasDisturbed(long pid) {
    return disturbed.contains(pid);
  }

  synchronized List<String> members(String role) {
    return members.keySet().stream().filter(it -> it.startsWith(role)).toList();
  }

  synchronized Collection<Process> processes() {
    return List.copyOf(members.values());
  }

  synchronized Process process(String member) {
    return Objects.requireNonNull(members.get(member));
  }

  /// Calls that this process makes at this moment.
  long callsOf(Process dispatcher) {
    return dispatcher
        .descendants()
        .filter(it -> it.info().command().orElse("").contains("python"))
        .count();
  }

  /// The ledger-writer that holds the folder; the other one if nobody does.
  String activeLedger() throws IOException {
    List<String> holders =
        Files.readAllLines(Path.of("/proc/locks")).stream()
            .map(line -> line.trim().split("\\s+", -1))
            .filter(fields -> fields.length > 4 && fields[1].equals("POSIX"))
            .map(fields -> fields[4])
            .toList();
    return members("ledger").stream()
        .filter(it -> holders.contains(Long.toString(process(it).pid())))
        .findFirst()
        .orElse("ledger-1");
  }

  /// As a crash, and then a new one.
  synchronized void kill(String member) throws InterruptedException {
    Process process = process(member);
    disturbed.add(process.pid());
    process.destroyForcibly().waitFor();
    if (!closed) {
      launch(member);
    }
  }

  /// As a machine that stands still.
  void pause(String member) {
    Process process = process(member);
    disturbed.add(process.pid());
    signal("STOP", process);
  }

  void resume(String member) {
    signal("CONT", process(member));
  }

  void killBroker() {
    Objects.requireNonNull(privateBroker).kill();
    if (!privateBroker.start().equals(broker)) {
      throw new SetupException(
          "another program took the broker's port while it was dead; try again");
    }
  }

  /// Makes the broker take nothing for a while, although it goes on delivering.
  void alarm(boolean raised) {
    Objects.requireNonNull(privateBroker).alarm(raised);
  }

  /// Lets no file of this process grow beyond `bytes`, as a full disk would.
  ///
  /// @return whether this machine can do that
  boolean limitFiles(String member, String bytes) throws IOException, InterruptedException {
    return new ProcessBuilder(
                "prlimit", "--pid", Long.toString(process(member).pid()), "--fsize=" + bytes + ":")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor()
        == 0;
  }

  /// Stops every process in an orderly way.
  synchronized void stop() throws InterruptedException {
    closed = true;
    members.values().forEach(Process::destroy);
    for (Process process : members.values()) {
      if (!process.waitFor(1, TimeUnit.MINUTES)) {
        process.destroyForcibly();
      }
    }
  }

  @Override
  public void close() {
    try {
      stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      processes().forEach(Process::destroyForcibly);
    }
    if (privateBroker != null) {
      privateBroker.stop();
    }
  }

  private synchronized void launch(String member) {
    var command = new ArrayList<>(jvm);
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            Symbiont.class.getName(),
            "start",
            member.substring(0, member.indexOf('-')),
            "--wait"));
    File log = folder.resolve("logs/%03d-%s.log".formatted(++started, member)).toFile();
    var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log);
    builder.environment().clear();
    builder.environment().putAll(environment);
    try {
      members.put(member, builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void signal(String name, Process process) {
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
