package dev.symbiont.ops;

import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.Step;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.testing.TestBroker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import tools.jackson.databind.JsonNode;

/// Roles as processes of their own on a broker of the test, with the simulated CLI and a ledger in
/// a fresh folder.
final class FleetProcesses implements AutoCloseable {

  /// More than the ledger ever lags.
  private static final Duration LAG = Duration.ofSeconds(1);

  private static final Duration ANSWERS_WITHIN = Duration.ofSeconds(20);

  final TestBroker broker;
  final Path folder;
  final int port;
  private final List<String> tiers;
  private final Map<String, String> environment = new HashMap<>();
  private final Deque<SymbiontProcess> processes = new ArrayDeque<>();

  FleetProcesses(Path folder, Map<String, String> more) {
    this(folder, TestBroker.TIERS, more);
  }

  /// @param tiers that `more` configures
  FleetProcesses(Path folder, List<String> tiers, Map<String, String> more) {
    this(TestBroker.start(), folder, tiers, more);
  }

  FleetProcesses(TestBroker broker, Path folder, Map<String, String> more) {
    this(broker, folder, TestBroker.TIERS, more);
  }

  private FleetProcesses(
      TestBroker broker, Path folder, List<String> tiers, Map<String, String> more) {
    this.broker = broker;
    this.folder = folder;
    this.tiers = tiers;
    this.port = freePort();
    broker.clean(tiers);
    environment.put("SYMBIONT_BROKER", broker.address().toString());
    environment.put("SYMBIONT_CLAUDE", "simulated");
    environment.put("SYMBIONT_CLAUDE_HOME", folder.resolve("claude").toString());
    environment.put("SYMBIONT_DATA", folder.resolve("ledger").toString());
    environment.put("SYMBIONT_WORK", folder.resolve("work").toString());
    environment.put("SYMBIONT_PORT", Integer.toString(port));
    environment.putAll(more);
  }

  SymbiontProcess start(String role, String... options) {
    return start(List.of(), role, options);
  }

  /// @param jvm options for the virtual machine of this process
  SymbiontProcess start(List<String> jvm, String role, String... options) {
    var command = Stream.concat(Stream.of("start", role), Stream.of(options));
    var process =
        SymbiontProcess.start(
            SymbiontProcess.ROOT, folder, environment, jvm, command.toArray(String[]::new));
    processes.push(process);
    return process;
  }

  /// One process of each role. Returns the gateway, when it has the ledger behind it.
  SymbiontProcess startOfEach() {
    List<SymbiontProcess> roles =
        Stream.of("ledger", "router", "dispatcher", "gateway").map(it -> start(it)).toList();
    roles.forEach(it -> it.awaitOutput("is up"));
    await("the ledger").atMost(ANSWERS_WITHIN).until(() -> gateway().hasLedger());
    return roles.getLast();
  }

  Gateway gateway() {
    return new Gateway("http://127.0.0.1:" + port);
  }

  /// The ledger when it has caught up with the journal, or what is there of it if nobody writes.
  List<JsonNode> ledger() {
    try {
      return await()
          .atMost(LAG)
          .until(() -> lines("ledger.jsonl"), it -> it.size() >= endsInTheJournal());
    } catch (ConditionTimeoutException e) {
      return lines("ledger.jsonl");
    }
  }

  private long endsInTheJournal() {
    return journal().stream()
        .map(line -> Entry.read(Codec.mapper().writeValueAsBytes(line)).event())
        .filter(event -> event instanceof Step step && LedgerLine.callIn(step).isPresent())
        .count();
  }

  List<JsonNode> journal() {
    return lines("tasks.jsonl");
  }

  Map<String, String> environment() {
    return environment;
  }

  @Override
  public void close() throws IOException {
    while (!processes.isEmpty()) {
      processes.pop().close();
    }
    broker.clean(tiers);
    broker.close();
  }

  private List<JsonNode> lines(String file) {
    return JsonLines.read(folder.resolve("ledger").resolve(file));
  }

  static int freePort() {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
