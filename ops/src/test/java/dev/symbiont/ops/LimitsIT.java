package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Limits are the weather: the tier that has one waits it out, and nobody loses anything.
/// `-Dsymbiont.test.limits=500` is the long run.
class LimitsIT {

  private static final int TASKS = Integer.getInteger("symbiont.test.limits", 60);
  private static final Duration LIMITED = Duration.ofSeconds(TASKS > 100 ? 20 : 10);
  private static final Duration RESTART = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final int SLOTS = 4;
  private static final int DISPATCHERS = 2;

  @TempDir private static Path folder;
  private static TierFleet fleet;

  @BeforeAll
  static void start() {
    fleet =
        new TierFleet(
                folder,
                """
                {"tiers": [
                  {"name": "haiku", "concurrency": 2, "timeout": "30s", "rate": {"calls": 6000, "period": "1m"}},
                  {"name": "sonnet", "concurrency": %d, "timeout": "30s", "rate": {"calls": 6000, "period": "1m"}, "fallback": ["opus"]},
                  {"name": "opus", "concurrency": %d, "timeout": "30s", "rate": {"calls": 6000, "period": "1m"}}]}
                """
                    .formatted(SLOTS, SLOTS),
                Map.of("SYMBIONT_SIMULATED_SECONDS", "0.02"))
            .start(DISPATCHERS);
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
  void aLimitedTierIsLeftAloneUntilItsResetAndThenProbedOnce() throws Exception {
    Instant reset = submitUntilReset("limited", false, LIMITED);
    fleet.awaitPhase("sonnet", "limited", Duration.ofSeconds(5));

    fleet.awaitEnds(TASKS, PATIENCE);

    assertLimitWasKept(reset);
  }

  @Test
  void theSameWhenTheWholeFleetIsStartedAnewMeanwhile() throws Exception {
    Instant reset = submitUntilReset("restarted", false, LIMITED.plus(RESTART));
    fleet.awaitPhase("sonnet", "limited", Duration.ofSeconds(5));

    fleet.killAll();
    fleet.start(DISPATCHERS);
    assertThat(Instant.now()).as("the restart took too long for this test").isBefore(reset);
    fleet.awaitPhase("sonnet", "limited", Duration.ofSeconds(5));
    fleet.awaitEnds(TASKS, PATIENCE);

    assertLimitWasKept(reset);
  }

  @Test
  void tasksGoOnAtTheNextTierWithoutWaitingAndComeBackWhenTheirsIsOpen() throws Exception {
    Instant reset = submitUntilReset("fallen-back", true, LIMITED);

    fleet.awaitEnds(TASKS, PATIENCE);

    assertThat(Instant.now()).isBefore(reset);
    assertThat(fleet.ends())
        .allSatisfy(
            end -> {
              assertThat(end.path("call").path("tier").asString()).isEqualTo("opus");
              assertThat(end.path("tried").path(0).path("tier").asString()).isEqualTo("sonnet");
              assertThat(end.path("tried").path(0).path("message").asString()).contains("limit");
            });
    fleet.awaitPhase("sonnet", "probing", LIMITED.plusSeconds(5));
    fleet.submit(fleet.task("after", "after the limit", "sonnet"));
    fleet.awaitEnds(TASKS + 1, PATIENCE);
    fleet.awaitPhase("sonnet", "open", Duration.ofSeconds(5));
    assertThat(fleet.ends().getLast().path("call").path("tier").asString()).isEqualTo("sonnet");
  }

  @Test
  void whileTheCheapestTierIsLimitedTasksAreRoutedByTheDefaultTierAtOnce() throws Exception {
    long until = Instant.now().plus(LIMITED).getEpochSecond();
    fleet.submit(fleet.task("limits", "[[sim:limit before=%d]]".formatted(until), "haiku"));
    fleet.awaitPhase("haiku", "limited", Duration.ofSeconds(5));

    ObjectNode unforced = fleet.task("unforced", "which tier?", "haiku");
    unforced.remove("force_tier");
    fleet.submit(unforced);

    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> fleet.ends().stream().anyMatch(it -> isOf(it, "unforced")));
    JsonNode end =
        fleet.ends().stream().filter(it -> isOf(it, "unforced")).findFirst().orElseThrow();
    assertThat(end.path("call").path("tier").asString()).isEqualTo("sonnet");
    assertThat(end.path("decision").path("reason").asString()).contains("haiku is closed");
    fleet.gateway().delete("/tasks/limits").orFail();
    fleet.awaitEnds(2, Duration.ofSeconds(5));
  }

  @Test
  void aTierWithoutALoginStopsAndGoesOnWhenItIsWoken() throws Exception {
    long until = Instant.now().plusSeconds(6).getEpochSecond();

    for (int i = 0; i < 5; i++) {
      fleet.submit(
          fleet
              .task("no-login-" + i, "[[sim:noauth before=%d]]".formatted(until), "sonnet")
              .put("allow_fallback", false));
    }
    fleet.awaitPhase("sonnet", "unauthenticated", Duration.ofSeconds(5));

    assertThat(fleet.tier("sonnet").path("state").path("reason").asString())
        .contains("symbiont login");
    await().atMost(Duration.ofSeconds(10)).until(() -> Instant.now().getEpochSecond() > until);
    assertThat(fleet.ends()).isEmpty();
    assertThat(fleet.gateway().post("/tiers/sonnet/wake", fleet.task("", "", "")).status())
        .isEqualTo(200);
    fleet.awaitEnds(5, PATIENCE);
    assertThat(fleet.ends()).allMatch(it -> it.path("state").asString().equals("succeeded"));
  }

  @Test
  void aPausedTierTakesNoCallsAndItsTasksAreShownAsWaiting() throws Exception {
    assertThat(fleet.gateway().post("/tiers/sonnet/pause", fleet.task("", "", "")).status())
        .isEqualTo(200);

    for (int i = 0; i < 10; i++) {
      fleet.submit(fleet.task("paused-" + i, "hello", "sonnet").put("allow_fallback", false));
    }

    await()
        .atMost(Duration.ofSeconds(10))
        .until(
            () ->
                fleet
                    .gateway()
                    .get("/tasks/paused-9")
                    .body()
                    .path("status")
                    .asString()
                    .equals("waiting"));
    assertThat(fleet.truth.begun()).isEmpty();
    fleet.gateway().post("/tiers/sonnet/wake", fleet.task("", "", ""));
    fleet.awaitEnds(10, PATIENCE);
    assertThat(fleet.gateway().post("/tiers/none/wake", fleet.task("", "", "")).status())
        .isEqualTo(404);
  }

  private static boolean isOf(JsonNode end, String id) {
    return end.path("task_id").asString().equals(id);
  }

  /// Tasks whose calls to sonnet meet a subscription limit until a moment that the program names.
  private static Instant submitUntilReset(String id, boolean mayFallBack, Duration limited) {
    long reset = Instant.now().plus(limited).getEpochSecond() + 1;
    String prompt = "[[sim:limit before=%d model=sonnet]]".formatted(reset);
    for (int i = 0; i < TASKS; i++) {
      fleet.submit(fleet.task(id + "-" + i, prompt, "sonnet").put("allow_fallback", mayFallBack));
    }
    return Instant.ofEpochSecond(reset);
  }

  /// Only what was under way when the first limit was met has seen it; then nothing until the
  /// reset; then one call alone, soon; then all of them, each at its first attempt.
  private static void assertLimitWasKept(Instant reset) throws IOException {
    List<Instant> calls = fleet.callsBegan();
    List<Instant> before = calls.stream().filter(it -> it.isBefore(reset)).toList();
    assertThat(before).hasSizeBetween(1, SLOTS * DISPATCHERS);
    assertThat(Duration.between(before.getFirst(), before.getLast()))
        .isLessThan(Duration.ofSeconds(4));
    List<Instant> after = calls.subList(before.size(), calls.size());
    assertThat(Duration.between(reset, after.getFirst())).isLessThan(Duration.ofMillis(1500));
    assertThat(fleet.entries("symbiont.granted.v1"))
        .filteredOn(it -> it.path("probe").asBoolean())
        .hasSize(1);
    assertThat(fleet.ends())
        .hasSize(TASKS)
        .allSatisfy(
            end -> {
              assertThat(end.path("state").asString()).isEqualTo("succeeded");
              assertThat(end.path("call").path("attempt").asInt()).isEqualTo(1);
            });
    assertThat(after).hasSize(TASKS);
    fleet.verify();
  }
}
