package dev.symbiont.ops;

import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.journal.ChainedLog;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A fleet of processes whose tiers a test closes, fills and empties, and what may be asked of it
/// afterwards.
final class TierFleet implements AutoCloseable {

  final FleetProcesses processes;
  final TruthFile truth;
  private final Path folder;
  private final List<SymbiontProcess> running = new ArrayList<>();

  /// Lines of the journal that belong to earlier tests.
  private int forgotten;

  /// @param settings of Symbiont, as JSON
  TierFleet(Path folder, String settings, Map<String, String> environment) {
    this.folder = folder;
    this.truth = new TruthFile(folder.resolve("truth.jsonl"));
    var all = new HashMap<>(environment);
    all.put("SYMBIONT_SIMULATED_TRUTH", truth.path().toString());
    all.put("SPRING_APPLICATION_JSON", "{\"symbiont\": %s}".formatted(settings));
    this.processes = new FleetProcesses(folder, all);
  }

  /// One of each role, and so many dispatchers.
  TierFleet start(int dispatchers) {
    var roles = new ArrayList<>(List.of("ledger", "router", "gateway"));
    roles.addAll(Collections.nCopies(dispatchers, "dispatcher"));
    List<SymbiontProcess> started = roles.stream().map(role -> processes.start(role)).toList();
    for (int i = 0; i < roles.size(); i++) {
      started.get(i).awaitOutput(roles.get(i) + " is up");
    }
    running.addAll(started);
    return this;
  }

  SymbiontProcess startDispatcher() {
    SymbiontProcess started = processes.start("dispatcher").awaitOutput("dispatcher is up");
    running.add(started);
    return started;
  }

  /// As a power failure would.
  void killAll() throws InterruptedException {
    for (SymbiontProcess process : running) {
      process.kill();
    }
    running.clear();
  }

  /// From here on only what is still to come counts. Nothing may be under way.
  void forget() throws IOException {
    forgotten = processes.journal().size();
    Files.deleteIfExists(truth.path());
  }

  ObjectNode task(String id, String prompt, String tier) {
    return Codec.mapper()
        .createObjectNode()
        .put("id", id)
        .put("task", prompt)
        .put("force_tier", tier);
  }

  void submit(ObjectNode task) {
    processes.broker.publish(
        "symbiont.tasks",
        task.path("priority").asString("normal"),
        new AMQP.BasicProperties.Builder().deliveryMode(2).build(),
        Codec.mapper().writeValueAsBytes(task));
  }

  /// So many tasks `ID-0`, `ID-1` and so on.
  void submit(int count, String id, String prompt, String tier) {
    IntStream.range(0, count).forEach(i -> submit(task(id + "-" + i, prompt, tier)));
  }

  Gateway gateway() {
    return processes.gateway();
  }

  JsonNode tier(String name) {
    return gateway()
        .get("/tiers")
        .body()
        .path("tiers")
        .valueStream()
        .filter(it -> it.path("state").path("tier").asString().equals(name))
        .findFirst()
        .orElseThrow();
  }

  void awaitPhase(String tier, String phase, Duration atMost) {
    await(tier + " " + phase)
        .atMost(atMost)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> tier(tier).path("state").path("phase").asString().equals(phase));
  }

  void awaitEnds(int count, Duration atMost) {
    await(count + " ends")
        .atMost(atMost)
        .pollInterval(Duration.ofMillis(200))
        .until(() -> ends().size(), it -> it == count);
  }

  /// The ends of tasks, from the journal.
  List<JsonNode> ends() {
    return entries("symbiont.ended.v1");
  }

  List<JsonNode> entries(String schema) {
    return processes.journal().stream()
        .skip(forgotten)
        .filter(it -> it.path("schema").asString().equals(schema))
        .map(it -> it.path("body"))
        .toList();
  }

  /// When the program's calls began, in the order of the file.
  List<Instant> callsBegan() {
    return truth.begun().stream()
        .map(it -> it.path("time").decimalValue())
        .map(it -> Instant.ofEpochMilli(it.multiply(BigDecimal.valueOf(1000)).longValue()))
        .toList();
  }

  void verify() throws IOException {
    ChainedLog.verify(folder.resolve("ledger/tasks.jsonl"), _ -> {});
    ChainedLog.verify(folder.resolve("ledger/ledger.jsonl"), _ -> {});
  }

  @Override
  public void close() throws IOException {
    processes.close();
  }
}
