package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Files of tasks. With `-Dsymbiont.test.batch.lines=10000` the file that is interrupted is longer.
class BatchIT {

  private static final int LINES = Integer.getInteger("symbiont.test.batch.lines", 300);
  private static final Path EMPTY = Path.of("/dev/null");

  @TempDir private static Path folder;
  private static TierFleet fleet;

  @BeforeAll
  static void start() {
    fleet =
        new TierFleet(
                folder,
                """
                {"tiers": [
                  {"name": "haiku", "concurrency": 8, "timeout": "30s", "rate": {"calls": 1000000, "period": "1m"}},
                  {"name": "sonnet", "concurrency": 1, "timeout": "30s"},
                  {"name": "opus", "concurrency": 1, "timeout": "30s"}]}
                """,
                Map.of("SYMBIONT_SIMULATED_SECONDS", "0.01"))
            .start(1);
    await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> fleet.gateway().hasLedger());
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Test
  void eachLineIsDoneOnceThoughTheBatchIsKilledInTheMiddle() throws Exception {
    List<String> lines =
        IntStream.rangeClosed(1, LINES)
            .mapToObj(i -> i == 7 ? "[[sim:400]] no" : "say " + i)
            .toList();
    Path file = Files.write(folder.resolve("many.txt"), lines);
    Path out = folder.resolve("many.jsonl");
    String[] command = {
      "batch", file.toString(), "--tier", "haiku", "--at-a-time", "60", "--out", out.toString()
    };
    try (SymbiontProcess killed = start(command)) {
      await()
          .atMost(Duration.ofSeconds(60 + LINES / 20))
          .pollInterval(Duration.ofMillis(20))
          .until(() -> Files.exists(out) && JsonLines.read(out).size() >= LINES / 4);
      killed.kill();
    }
    int kept = JsonLines.read(out).size();
    assertThat(kept).isLessThan(LINES);
    Files.writeString(
        out, "{\"line\": ", StandardOpenOption.APPEND); // as a power failure leaves it

    try (SymbiontProcess again = start(command)) {
      assertThat(again.awaitExit(600)).as(again.output()).isEqualTo(Symbiont.FAILED);

      assertThat(again.output())
          .contains("%d lines have their results already".formatted(kept))
          .contains("%d lines done, 1 of them failed".formatted(LINES));
    }
    List<JsonNode> results = JsonLines.read(out);
    assertThat(results)
        .extracting(it -> it.path("line").asInt())
        .containsExactlyElementsOf(IntStream.rangeClosed(1, LINES).boxed().toList());
    assertThat(results.get(6).path("status").asString()).isEqualTo("failed");
    assertThat(results.get(7).path("result").asString()).contains("say 8");
    Set<String> ids =
        results.stream().map(it -> it.path("id").asString()).collect(Collectors.toSet());
    assertThat(ids).hasSize(LINES);
    Map<String, List<JsonNode>> calls =
        fleet.processes.ledger().stream()
            .filter(it -> ids.contains(it.path("task_id").asString()))
            // A grant that came too late for the tier's rate is given back, and costs nothing.
            .filter(
                it ->
                    !it.path("outcome").asString().equals("cancelled")
                        || it.path("estimated_cost_usd").decimalValue().signum() != 0)
            .collect(Collectors.groupingBy(it -> it.path("task_id").asString()));
    assertThat(calls).containsOnlyKeys(ids);
    assertThat(calls.values()).allSatisfy(ofOneLine -> assertThat(ofOneLine).hasSize(1));
    assertThat(fleet.gateway().get("/tasks?label=batch%3Dmany.txt&limit=1").body().path("count"))
        .hasToString("1");

    long begun = fleet.truth.begun().size();
    try (SymbiontProcess third = start(command)) {
      assertThat(third.awaitExit()).isEqualTo(Symbiont.FAILED);
    }
    assertThat(fleet.truth.begun()).hasSize((int) begun);
  }

  @Test
  void linesOfJsonAreTasksAndOneThatIsNoneFailsAlone() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("few.jsonl"),
            """
            {"task": "first", "force_tier": "opus"}

            {"task": "second", "force_tier": "gpt"}
            {"task": "third"}
            """);
    Path out = folder.resolve("few.out");

    try (SymbiontProcess batch =
        SymbiontProcess.reading(
            file,
            folder,
            fleet.processes.environment(),
            "batch",
            "-",
            "--tier",
            "haiku",
            "--out",
            out.toString(),
            "--name",
            "few")) {
      assertThat(batch.awaitExit()).as(batch.output()).isEqualTo(Symbiont.FAILED);
    }

    List<JsonNode> results = JsonLines.read(out);
    assertThat(results)
        .extracting(
            it -> it.path("line").asInt(),
            it -> it.path("status").asString(),
            it -> it.path("tier").asString(""))
        .containsExactly(
            tuple(1, "succeeded", "opus"),
            tuple(3, "rejected", ""),
            tuple(4, "succeeded", "haiku"));
    assertThat(results.get(1).path("error").asString()).contains("force_tier");
  }

  @Test
  void aSecondBatchOnTheSameResultsIsRefusedAndOneThatIsStoppedSaysHowToGoOn() throws Exception {
    Path file =
        Files.write(
            folder.resolve("slow.txt"), List.of("one", "[[sim:ok delay=600]] two", "three"));
    Path out = folder.resolve("slow.out");
    String[] command = {
      "batch", file.toString(), "--tier", "sonnet", "--at-a-time", "1", "--out", out.toString()
    };
    try (SymbiontProcess first = start(command)) {
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> Files.exists(out) && JsonLines.read(out).size() == 1);
      first.kill();
    }

    try (SymbiontProcess first = start(command)) {
      first.awaitOutput("1 lines have their results already");
      try (SymbiontProcess second = start(command)) {
        assertThat(second.awaitExit()).isEqualTo(Symbiont.MISUSED);
        assertThat(second.output()).contains("another batch writes to " + out).hasLineCount(1);
      }
      first.interrupt();

      assertThat(first.awaitExit()).isEqualTo(130);
      assertThat(first.output())
          .contains("stopped after 1 of 3 lines; start the same command again to go on");
    }
    fleet
        .gateway()
        .get("/tasks?label=batch%3Dslow.txt&state=running")
        .body()
        .path("tasks")
        .forEach(it -> fleet.gateway().delete(Query.task(it.path("id").asString())));
  }

  @Test
  void resultsOfSomethingElseAreNotTouched() throws Exception {
    Path file = Files.writeString(folder.resolve("one.txt"), "one\n");
    Path out = Files.writeString(folder.resolve("other.out"), "{\"line\":1,\"id\":\"x\"}\n");

    try (SymbiontProcess batch = start("batch", file.toString(), "--out", out.toString())) {
      assertThat(batch.awaitExit()).isEqualTo(Symbiont.MISUSED);
      assertThat(batch.output()).contains("--out").hasLineCount(1);
    }
    try (SymbiontProcess batch = start("batch", folder.resolve("none").toString())) {
      assertThat(batch.awaitExit()).isEqualTo(Symbiont.MISUSED);
      assertThat(batch.output()).contains("there is no file").hasLineCount(1);
    }

    assertThat(out).hasContent("{\"line\":1,\"id\":\"x\"}\n");
  }

  private static SymbiontProcess start(String... arguments) {
    return SymbiontProcess.reading(EMPTY, folder, fleet.processes.environment(), arguments);
  }
}
