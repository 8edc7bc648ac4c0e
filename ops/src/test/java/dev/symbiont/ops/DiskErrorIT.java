package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import dev.symbiont.ledger.journal.ChainedLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A disk that takes what is written and then says that it did not reach it.
class DiskErrorIT {

  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path folder;
  private FleetProcesses fleet;
  private TruthFile truth;
  private Path broken;

  @BeforeEach
  void start() {
    truth = new TruthFile(folder.resolve("truth.jsonl"));
    broken = folder.resolve("the-disk-is-broken");
    fleet =
        new FleetProcesses(
            folder,
            Map.of(
                "SYMBIONT_SIMULATED_TRUTH",
                truth.path().toString(),
                "SPRING_APPLICATION_JSON",
                "{\"symbiont\": {\"ledger\": {\"heartbeat-every\": \"1s\"}}}"));
    String rules =
        """
        RULE a force that fails
        CLASS dev.symbiont.ledger.journal.ChainedLog
        METHOD force
        AT ENTRY
        BIND mark = new java.io.File("%s")
        IF mark.exists()
        DO throw new java.io.IOException("Input/output error")
        ENDRULE
        """
            .formatted(broken);
    fleet.start(List.of(Byteman.agent(folder, rules)), "ledger").awaitOutput("ledger is up");
    for (String role : List.of("router", "dispatcher", "gateway")) {
      fleet.start(role).awaitOutput(role + " is up");
    }
  }

  @AfterEach
  void stop() throws IOException {
    fleet.close();
  }

  @Test
  void nothingIsGrantedUntilTheDiskIsWellAgainAndThenItGoesOnByItself() throws IOException {
    Files.createFile(broken);
    for (int i = 0; i < 3; i++) {
      publish(i);
    }

    await("red").atMost(SOON).until(() -> health().contains("\"ledger_writable\":false"));
    assertThat(truth.begun()).as("calls without a grant on disk").isEmpty();

    Files.delete(broken);

    // Grants that came too late for the tier's rate are given back, and others are asked for.
    await("every answer").atMost(SOON).until(() -> outcomes("answered") == 3);
    await("green").atMost(SOON).until(() -> health().contains("\"ledger_writable\":true"));
    assertThat(fleet.journal())
        .extracting(it -> it.path("event_id").asString())
        .doesNotHaveDuplicates();
    assertThat(truth.begun()).hasSize(3);
    assertThat(outcomes("answered") + outcomes("cancelled")).isEqualTo(fleet.ledger().size());
    ChainedLog.verify(folder.resolve("ledger/tasks.jsonl"), _ -> {});
    ChainedLog.verify(folder.resolve("ledger/ledger.jsonl"), _ -> {});
  }

  private long outcomes(String outcome) {
    return fleet.ledger().stream()
        .filter(it -> it.path("outcome").asString().equals(outcome))
        .count();
  }

  private void publish(int number) {
    fleet.broker.publish(
        "symbiont.tasks",
        "normal",
        new AMQP.BasicProperties.Builder().deliveryMode(2).build(),
        "{\"task\": \"task\", \"id\": \"t-%d\", \"force_tier\": \"haiku\"}"
            .formatted(number)
            .getBytes(StandardCharsets.UTF_8));
  }

  /// The latest snapshot, if there is one yet.
  private String health() throws IOException {
    Path file = folder.resolve("ledger/heartbeat.jsonl");
    return Files.exists(file) ? JsonLines.read(file).getLast().toString() : "";
  }
}
