package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What nobody wants any more, or wanted earlier. `-Dsymbiont.test.cancel=1000` is the long run.
class CancelIT {

  private static final int TASKS = Integer.getInteger("symbiont.test.cancel", 100);
  private static final long SEED = 5;

  @TempDir private static Path folder;
  private static TierFleet fleet;

  @BeforeAll
  static void start() {
    fleet =
        new TierFleet(
                folder,
                """
                {"tiers": [
                  {"name": "haiku", "concurrency": 4, "timeout": "60s"},
                  {"name": "sonnet", "concurrency": 4, "timeout": "60s",
                   "prices": {"input": 3, "output": 15, "cache-write": 0, "cache-read": 0}},
                  {"name": "opus", "concurrency": 4, "timeout": "60s"}]}
                """,
                Map.of("SYMBIONT_SIMULATED_SECONDS", "0.2"))
            .start(1);
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @BeforeEach
  void forget() throws IOException {
    fleet.forget();
  }

  @Test
  void noTaskIsCalledAfterItsCancellationWasConfirmedAndEachHasOneEnd() throws Exception {
    for (int i = 0; i < TASKS; i++) {
      fleet.submit(fleet.task("task-" + i, "|task-%d|".formatted(i), "haiku"));
    }
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> fleet.entries("symbiont.routed.v1").size() == TASKS);
    var random = new Random(SEED);
    Map<String, Instant> confirmed = new HashMap<>();
    int cancelled = 0;
    while (cancelled < TASKS / 2) {
      String id = "task-" + random.nextInt(TASKS);
      if (!confirmed.containsKey(id)) {
        int status = fleet.gateway().delete("/tasks/" + id).status();
        confirmed.put(id, status == 200 ? Instant.now() : Instant.MAX);
        cancelled++;
      }
    }

    fleet.awaitEnds(TASKS, Duration.ofMinutes(4));

    for (JsonNode call : fleet.truth.begun()) {
      String id = call.path("prompt").asString().replaceAll(".*\\|(.*)\\|.*", "$1");
      var began = Instant.ofEpochMilli((long) (call.path("time").asDouble() * 1000));
      assertThat(confirmed.getOrDefault(id, Instant.MAX))
          .as("seed %d, %s", SEED, id)
          .isAfter(began);
    }
    assertThat(fleet.ends())
        .extracting(it -> it.path("task_id").asString())
        .doesNotHaveDuplicates();
    assertThat(confirmed.values())
        .as("cancelled while they waited")
        .anyMatch(it -> it.isBefore(Instant.MAX));
    fleet.verify();
  }

  @Test
  void aRunningCallIsEndedWithinTwoSecondsAndItsCostIsKept() throws Exception {
    fleet.submit(fleet.task("stubborn", "[[sim:stubborn]]", "sonnet"));
    await().atMost(Duration.ofSeconds(20)).until(() -> !fleet.truth.begun().isEmpty());
    long pid = fleet.truth.begun().getFirst().path("pid").asLong();

    Gateway.Answer answer = fleet.gateway().delete("/tasks/stubborn");
    Instant asked = Instant.now();

    assertThat(answer.status()).isEqualTo(202);
    await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty());
    assertThat(Duration.between(asked, Instant.now())).isLessThan(Duration.ofSeconds(2));
    fleet.awaitEnds(1, Duration.ofSeconds(10));
    assertThat(fleet.ends().getFirst().path("state").asString()).isEqualTo("cancelled");
    assertThat(fleet.processes.ledger())
        .filteredOn(it -> it.path("task_id").asString().equals("stubborn"))
        .singleElement()
        .satisfies(
            line -> assertThat(line.path("outcome").asString()).isEqualTo("cancelled"),
            line -> assertThat(line.path("cost_basis").asString()).isIn("estimated", "unknown"));
  }

  @Test
  void aTaskIsNotCalledAfterItsDeadline() throws Exception {
    List<String> deadlines = List.of("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z");
    for (String deadline : deadlines) {
      fleet.submit(
          fleet
              .task("until-" + deadline.substring(0, 4), deadline, "haiku")
              .put("deadline", deadline));
    }

    fleet.awaitEnds(2, Duration.ofSeconds(20));

    assertThat(fleet.ends())
        .extracting(it -> it.path("state").asString())
        .containsExactlyInAnyOrder("expired", "succeeded");
    assertThat(fleet.truth.begun()).hasSize(1);
  }

  @Test
  void aTaskCanAllowItsCallsLessTimeThanTheTier() throws Exception {
    fleet.submit(fleet.task("hanging", "[[sim:hang]]", "haiku").put("timeout_seconds", 1));

    fleet.awaitEnds(1, Duration.ofSeconds(20));

    assertThat(fleet.ends().getFirst().path("reason").asString()).contains("longer than 1 s");
  }
}
