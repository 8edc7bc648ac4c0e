package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What an operator finds who looks for a task's id in the logs of all roles.
class TaskLogIT {

  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static final Map<String, SymbiontProcess> ROLES = new LinkedHashMap<>();

  @BeforeAll
  static void start() {
    String tiers =
        """
        {"symbiont": {"tiers": [
          {"name": "haiku", "timeout": "1s", "typical-cost-usd": 0.01},
          {"name": "sonnet"},
          {"name": "opus"}]}}
        """;
    fleet = new FleetProcesses(folder, Map.of("SPRING_APPLICATION_JSON", tiers));
    for (String role : List.of("router", "dispatcher", "ledger", "gateway")) {
      ROLES.put(role, fleet.start(role));
    }
    ROLES.forEach((role, process) -> process.awaitOutput(role + " is up"));
    await("the ledger").atMost(SOON).until(() -> fleet.gateway().hasLedger());
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Test
  void aTaskThatFailedIsFollowedThroughAllRoles() {
    Gateway.Answer answer = post("/task", "[[sim:400]] no", "sonnet");
    assertThat(answer.isError()).isTrue();
    String id = answer.body().path("id").asString();
    String reason = answer.detail();
    awaitLine("ledger", id, "recorded");

    assertThat(reason).isNotBlank();
    assertThat(lines("gateway", id)).anyMatch(it -> it.contains("accepted"));
    assertThat(lines("gateway", id))
        .anyMatch(it -> it.contains("is failed to its caller: " + reason));
    assertThat(String.join("\n", steps(id)))
        .containsSubsequence(
            "RouterDesk: task %s goes to sonnet".formatted(id),
            "Attempt: call %s/call.1 ended:".formatted(id),
            "DispatcherDesk: task %s is failed: %s".formatted(id, reason),
            "LedgerDesk: task %s is recorded as failed: %s".formatted(id, reason));
  }

  @Test
  void aTaskThatTookTooLong() {
    String id = post("/queue", "[[sim:hang]]", "haiku").orFail().path("id").asString();

    awaitLine("ledger", id, "is recorded as failed: ");

    assertThat(lines("dispatcher", id)).anyMatch(it -> it.contains("ended: timed_out after"));
  }

  @Test
  void aTaskThatWasCancelledWhileItRan() {
    String id = post("/queue", "[[sim:hang]]", "opus").orFail().path("id").asString();
    await()
        .atMost(SOON)
        .until(
            () ->
                fleet
                    .gateway()
                    .get(Query.task(id))
                    .body()
                    .path("status")
                    .asString("")
                    .equals("running"));

    fleet.gateway().delete(Query.task(id));

    awaitLine("ledger", id, "is recorded as cancelled: ");
    awaitLine("dispatcher", id, "ended: cancelled after");
  }

  @Test
  void theLedgerWriterSaysNothingOfATaskThatWentWell() {
    JsonNode body = post("/task", "yes", "sonnet").orFail();
    String id = body.path("id").asString();

    await().atMost(SOON).until(() -> !fleet.ledger().isEmpty());

    assertThat(lines("ledger", id)).isEmpty();
    assertThat(lines("router", id)).isNotEmpty();
  }

  private static Gateway.Answer post(String path, String prompt, String tier) {
    return fleet
        .gateway()
        .post(path, Codec.mapper().createObjectNode().put("task", prompt).put("force_tier", tier));
  }

  private static void awaitLine(String role, String id, String text) {
    await(role + ": " + text)
        .atMost(SOON)
        .until(() -> lines(role, id).stream().anyMatch(it -> it.contains(text)));
  }

  private static List<String> lines(String role, String id) {
    return Objects.requireNonNull(ROLES.get(role))
        .output()
        .lines()
        .filter(it -> it.contains(id))
        .toList();
  }

  /// The lines of those who work, in the order of their times, up to the reason.
  private static List<String> steps(String id) {
    return Stream.of("router", "dispatcher", "ledger")
        .flatMap(role -> lines(role, id).stream())
        .sorted((a, b) -> time(a).compareTo(time(b)))
        .map(it -> it.substring(it.indexOf("  ") + 2))
        .toList();
  }

  private static String time(String line) {
    return line.substring(0, line.indexOf(' '));
  }
}
