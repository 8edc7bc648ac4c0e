package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.symbiont.testing.StubApi;
import dev.symbiont.testing.StubApi.Fault;
import dev.symbiont.testing.StubApi.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What [LimitsIT] shows, with the real CLI in front of a stub of the model API that has a
/// subscription limit. `-Dsymbiont.test.limits=500` is the long run: two cores make 1.3 calls a
/// second.
class RealClaudeLimitsIT {

  private static final String SETTING = "symbiont.test.claude";
  private static final int TASKS = Integer.getInteger("symbiont.test.limits", 20);
  private static final Duration LIMITED = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofSeconds(60 + 2L * TASKS);
  private static final int SLOTS = 2;
  private static final int DISPATCHERS = 2;

  @TempDir private Path folder;
  private StubApi api;
  private TierFleet fleet;

  @BeforeEach
  void start() {
    String cli = System.getProperty(SETTING, "");
    assumeFalse(cli.isEmpty(), "no real Claude CLI: name one with -D" + SETTING);
    api = StubApi.start();
    fleet =
        new TierFleet(
                folder,
                """
                {"tiers": [
                  {"name": "haiku", "concurrency": 1, "timeout": "60s", "rate": {"calls": 6000, "period": "1m"}},
                  {"name": "sonnet", "concurrency": %d, "timeout": "60s", "rate": {"calls": 6000, "period": "1m"}, "fallback": ["opus"]},
                  {"name": "opus", "concurrency": %d, "timeout": "60s", "rate": {"calls": 6000, "period": "1m"}}]}
                """
                    .formatted(SLOTS, SLOTS),
                Map.of(
                    "SYMBIONT_CLAUDE",
                    cli,
                    "CLAUDE_CODE_OAUTH_TOKEN",
                    "test-token",
                    "ANTHROPIC_BASE_URL",
                    api.address().toString()))
            .start(DISPATCHERS);
  }

  @AfterEach
  void stop() throws IOException {
    if (fleet != null) {
      fleet.close();
      api.close();
    }
  }

  @ParameterizedTest(name = "whole fleet restarted meanwhile: {0}")
  @ValueSource(booleans = {false, true})
  void aLimitedTierIsLeftAloneUntilItsResetAndThenProbedOnce(boolean restarted) throws Exception {
    Instant reset = limitUntilReset("sonnet", restarted ? LIMITED.multipliedBy(2) : LIMITED);
    submitForced(false);
    fleet.awaitPhase("sonnet", "limited", Duration.ofSeconds(15));

    if (restarted) {
      fleet.killAll();
      fleet.start(DISPATCHERS);
      assertThat(Instant.now()).as("the restart took too long for this test").isBefore(reset);
    }
    fleet.awaitEnds(TASKS, PATIENCE);

    List<Instant> asked = api.requests().stream().map(Request::at).toList();
    List<Instant> before = asked.stream().filter(it -> it.isBefore(reset)).toList();
    assertThat(before).hasSizeBetween(1, SLOTS * DISPATCHERS);
    assertThat(asked).hasSize(before.size() + TASKS);
    List<JsonNode> probes =
        fleet.entries("symbiont.granted.v1").stream()
            .filter(it -> it.path("probe").asBoolean())
            .toList();
    assertThat(probes).hasSize(1);
    assertThat(Instant.parse(probes.getFirst().path("granted_at").asString()))
        .isBetween(reset, reset.plusSeconds(1));
    assertThat(fleet.ends())
        .hasSize(TASKS)
        .allSatisfy(
            end -> {
              assertThat(end.path("state").asString()).isEqualTo("succeeded");
              assertThat(end.path("call").path("attempt").asInt()).isEqualTo(1);
            });
    fleet.verify();
  }

  @Test
  void tasksGoOnAtTheNextTierWithoutWaitingAndComeBackWhenTheirsIsOpen() {
    Instant reset = limitUntilReset("sonnet", LIMITED.plusSeconds(TASKS));
    submitForced(true);

    fleet.awaitEnds(TASKS, PATIENCE);

    assertThat(Instant.now()).as("they did not wait").isBefore(reset);
    assertThat(fleet.ends())
        .allSatisfy(
            end -> {
              assertThat(end.path("call").path("tier").asString()).isEqualTo("opus");
              assertThat(end.path("tried").path(0).path("tier").asString()).isEqualTo("sonnet");
              assertThat(end.path("tried").path(0).path("message").asString()).contains("limit");
            });
    fleet.awaitPhase("sonnet", "probing", LIMITED.plusSeconds(TASKS));
    fleet.submit(fleet.task("after", "after the limit", "sonnet"));
    fleet.awaitEnds(TASKS + 1, PATIENCE);
    fleet.awaitPhase("sonnet", "open", Duration.ofSeconds(5));
    assertThat(fleet.ends().getLast().path("call").path("tier").asString()).isEqualTo("sonnet");
  }

  @Test
  void whileTheCheapestTierIsLimitedTasksAreRoutedByTheDefaultTierAtOnce() {
    limitUntilReset("haiku", PATIENCE);
    fleet.submit(fleet.task("limits", "hello", "haiku").put("allow_fallback", false));
    fleet.awaitPhase("haiku", "limited", Duration.ofSeconds(15));
    int asked = api.requests().size();

    ObjectNode unforced = fleet.task("unforced", "which tier?", "haiku");
    unforced.remove("force_tier");
    fleet.submit(unforced);
    fleet.awaitEnds(1, Duration.ofSeconds(15));

    JsonNode end = fleet.ends().getFirst();
    assertThat(end.path("task_id").asString()).isEqualTo("unforced");
    assertThat(end.path("call").path("tier").asString()).isEqualTo("sonnet");
    assertThat(end.path("decision").path("reason").asString()).contains("haiku is closed");
    assertThat(api.requests()).hasSize(asked + 1);
  }

  private Instant limitUntilReset(String tier, Duration limited) {
    Instant reset = Instant.ofEpochSecond(Instant.now().plus(limited).getEpochSecond() + 1);
    api.fail(tier, new Fault.UsedUp(reset));
    return reset;
  }

  private void submitForced(boolean mayFallBack) {
    for (int i = 0; i < TASKS; i++) {
      fleet.submit(fleet.task("task-" + i, "hello", "sonnet").put("allow_fallback", mayFallBack));
    }
  }
}
