package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A dollar a day is a dollar a day, however many call at once.
class BudgetsIT {

  private static final int TASKS = 60;

  /// Three cents a call: 4 characters are a token, and haiku's input costs a dollar a million.
  private static final String THREE_CENTS = "x".repeat(119_900);

  @TempDir private static Path folder;
  private static TierFleet fleet;

  @BeforeAll
  static void start() {
    fleet =
        new TierFleet(
                folder,
                """
                {"tiers": [
                  {"name": "haiku", "concurrency": 8, "timeout": "30s", "typical-cost-usd": "0.0305"},
                  {"name": "sonnet", "concurrency": 4, "timeout": "30s", "typical-cost-usd": "0.1"},
                  {"name": "opus", "concurrency": 4, "timeout": "30s", "typical-cost-usd": "0.2"}],
                 "ledger": {"budgets": [
                  {"label": "team", "value": "red", "usd-per-day": "1.00", "when-spent": "wait"},
                  {"label": "team", "value": "blue", "usd-per-day": "1.00", "when-spent": "refuse"},
                  {"label": "team", "value": "green", "usd-per-day": "0.15", "when-spent": "fall_back"}]}}
                """,
                Map.of("SYMBIONT_SIMULATED_SECONDS", "0.05"))
            .start(2);
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
  void aLabelSpendsItsDollarAndNoMoreAndTheRestWaitsForTheNextDay() throws Exception {
    submit(TASKS, "red");

    awaitUntouched();

    assertThat(spent("label:team=red")).isBetween(new BigDecimal("0.97"), new BigDecimal("1.00"));
    JsonNode last = waitingTask();
    assertThat(last.path("reason").asString()).contains("team=red", "$1");
    assertThat(last.path("waits_until").asString()).endsWith("T00:00:00Z");

    fleet.killAll();
    fleet.start(2);
    awaitUntouched();

    assertThat(spent("label:team=red")).isBetween(new BigDecimal("0.97"), new BigDecimal("1.00"));
  }

  @Test
  void whereTheRestIsToBeRefusedItIsToldWhy() throws Exception {
    submit(TASKS, "blue");

    fleet.awaitEnds(TASKS, Duration.ofMinutes(2));

    assertThat(spent("label:team=blue")).isBetween(new BigDecimal("0.97"), new BigDecimal("1.00"));
    assertThat(fleet.ends())
        .filteredOn(it -> it.path("state").asString().equals("failed"))
        .isNotEmpty()
        .allSatisfy(it -> assertThat(it.path("reason").asString()).contains("team=blue", "$1"));
  }

  @Test
  void aTaskGoesToACheaperTierWhenADearerOneIsNotInTheBudget() throws Exception {
    ObjectNode task = fleet.task("dear", "hello", "opus");
    task.putObject("labels").put("team", "green");
    fleet.submit(task);

    fleet.awaitEnds(1, Duration.ofSeconds(20));

    assertThat(fleet.ends().getFirst().path("call").path("tier").asString()).isEqualTo("sonnet");
  }

  @Test
  void aTaskIsNotCalledWhereItCouldCostMoreThanItMay() throws Exception {
    fleet.submit(fleet.task("limited", "hello", "opus").put("max_cost_usd", new BigDecimal("0.1")));

    fleet.awaitEnds(1, Duration.ofSeconds(20));

    assertThat(fleet.ends().getFirst().path("reason").asString()).contains("max_cost_usd");
    assertThat(fleet.truth.begun()).isEmpty();
  }

  private static void submit(int count, String team) {
    for (int i = 0; i < count; i++) {
      ObjectNode task = fleet.task(team + "-" + i, THREE_CENTS, "haiku");
      task.putObject("labels").put("team", team);
      fleet.submit(task);
    }
  }

  /// Everything that could be called was, and the rest waits in the parked queue.
  private static void awaitUntouched() {
    await("the rest waits")
        .atMost(Duration.ofMinutes(2))
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              JsonNode haiku = fleet.tier("haiku");
              return fleet.ends().size() + haiku.path("parked").asInt() == TASKS
                  && haiku.path("running").asInt() == 0;
            });
  }

  private static JsonNode waitingTask() {
    for (int i = 0; i < TASKS; i++) {
      JsonNode task = fleet.gateway().get("/tasks/red-" + i).body();
      if (task.path("status").asString().equals("waiting")) {
        return task;
      }
    }
    throw new AssertionError("no task waits");
  }

  private static BigDecimal spent(String scope) {
    return fleet
        .gateway()
        .get("/tiers")
        .body()
        .path("budgets")
        .valueStream()
        .filter(it -> it.path("scope").asString().equals(scope))
        .findFirst()
        .orElseThrow()
        .path("spent_today_usd")
        .decimalValue();
  }
}
