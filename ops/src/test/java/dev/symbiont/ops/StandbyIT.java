package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.ledger.journal.ChainedLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// A second ledger-writer on the same folder, while the broker delivers everything over and over.
class StandbyIT {

  private static final int TASKS = 100;
  private static final int COPIES = 100;

  @TempDir private Path folder;
  private FleetProcesses fleet;
  private SymbiontProcess active;

  @BeforeEach
  void start() {
    fleet = new FleetProcesses(folder, Map.of("SYMBIONT_SIMULATED_SECONDS", "0.01"));
    active = fleet.start("ledger").awaitOutput("ledger is up");
    for (String role : List.of("router", "dispatcher", "gateway")) {
      fleet.start(role).awaitOutput(role + " is up");
    }
  }

  @AfterEach
  void stop() throws IOException {
    fleet.close();
  }

  @Test
  void whatIsDeliveredAHundredTimesToAWriterThatDiesAndToItsStandbyIsWrittenOnce()
      throws Exception {
    List<GetResponse> events = eventsOfAHundredTasks();
    long lines = ChainedLog.verify(journal(), _ -> {}).lines();
    SymbiontProcess standby = fleet.start("ledger").awaitOutput("standing by");
    var copies = new ArrayList<GetResponse>();
    for (int i = 0; i < COPIES; i++) {
      copies.addAll(events);
    }
    Collections.shuffle(copies, new Random(7));

    deliver(copies.subList(0, copies.size() / 2));
    active.kill();
    await("the standby takes over")
        .atMost(Duration.ofSeconds(5))
        .until(() -> standby.output().contains("took over"));
    deliver(copies.subList(copies.size() / 2, copies.size()));
    await("all of it is taken")
        .atMost(Duration.ofSeconds(60))
        .until(() -> fleet.broker.depth(Topology.LEDGER) == 0);

    // A question is answered after what came before it.
    JsonNode report = fleet.gateway().get("/reconcile").body();
    assertThat(report.path("beginnings_without_ends")).isEmpty();
    assertThat(report.path("ends_without_beginnings")).isEmpty();
    assertThat(report.path("answered_twice")).isEmpty();
    assertThat(report.path("stranded")).isEmpty();
    assertThat(report.path("ledger_cost_usd").decimalValue())
        .isEqualByComparingTo(report.path("index_cost_usd").decimalValue());
    assertThat(ChainedLog.verify(journal(), _ -> {}).lines()).isEqualTo(lines);
    assertThat(fleet.ledger())
        .hasSize(TASKS)
        .extracting(it -> it.path("call_id").asString())
        .doesNotHaveDuplicates();
  }

  /// Longer than the time after which a silent worker is given up; but it is the writer that was
  /// silent.
  @Test
  void aWriterThatStandsStillForAWhileGivesNobodyUp() throws Exception {
    String watch = fleet.broker.replyQueue();
    fleet.broker.channel().queueBind(watch, Topology.FLOW, "worker.heartbeat");
    for (int i = 0; i < 3; i++) {
      publish("{\"task\": \"[[sim:ok delay=17]] %d\", \"force_tier\": \"haiku\"}".formatted(i));
    }
    await("three calls")
        .atMost(Duration.ofSeconds(20))
        .until(() -> fleet.gateway().get("/status").body().path("running").asInt() == 3);

    active.signal("STOP");
    try {
      String dispatchers = "\"role\":\"dispatcher\"";
      for (int beats = 0; beats < 7; ) {
        var beat = new String(fleet.broker.take(watch).getBody(), StandardCharsets.UTF_8);
        beats += beat.contains(dispatchers) ? 1 : 0;
      }
    } finally {
      active.signal("CONT");
    }

    await("three ends").atMost(Duration.ofSeconds(40)).until(() -> fleet.ledger().size() == 3);
    assertThat(fleet.ledger())
        .extracting(it -> it.path("outcome").asString())
        .containsOnly("answered");
  }

  private void publish(String task) {
    fleet.broker.publish(
        Topology.TASKS,
        "normal",
        new AMQP.BasicProperties.Builder().build(),
        task.getBytes(StandardCharsets.UTF_8));
  }

  private List<GetResponse> eventsOfAHundredTasks() throws IOException {
    String watch = fleet.broker.replyQueue();
    for (String key : List.of("task.#", "call.#")) {
      fleet.broker.channel().queueBind(watch, Topology.FLOW, key);
    }
    for (int i = 0; i < TASKS; i++) {
      publish("{\"task\": \"do %d\", \"id\": \"t-%d\", \"force_tier\": \"haiku\"}".formatted(i, i));
    }
    await("every end").atMost(Duration.ofSeconds(60)).until(() -> fleet.ledger().size() == TASKS);
    var events = new ArrayList<GetResponse>();
    while (fleet.broker.depth(watch) > 0) {
      events.add(fleet.broker.take(watch));
    }
    assertThat(events).hasSize(2 * TASKS);
    return events;
  }

  /// Past the exchange, so that only the ledger-writer gets them.
  private void deliver(List<GetResponse> copies) {
    for (GetResponse copy : copies) {
      fleet.broker.publish("", Topology.LEDGER, copy.getProps(), copy.getBody());
    }
  }

  private Path journal() {
    return folder.resolve("ledger/tasks.jsonl");
  }
}
