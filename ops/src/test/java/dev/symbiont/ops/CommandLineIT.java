package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What operators type, on a running fleet.
class CommandLineIT {

  private static final Path EMPTY = Path.of("/dev/null");

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static SymbiontProcess gateway;

  @BeforeAll
  static void start() {
    fleet = new FleetProcesses(folder, Map.of());
    gateway = fleet.startOfEach();
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Test
  void whatIsPipedInIsAppendedToThePrompt() throws Exception {
    Path report = Files.writeString(folder.resolve("report.txt"), "all is well\nhere\n");

    JsonNode result =
        json(
            run(0, report, "task", "summarise", "--tier", "haiku", "--json", "--label", "team=red")
                .output());

    assertThat(result.path("task").asString()).isEqualTo("summarise\n\nall is well\nhere\n");
    String id = result.path("id").asString();
    JsonNode shown = json(run(0, EMPTY, "show", id, "--json").output());
    assertThat(shown.path("labels").path("team").asString()).isEqualTo("red");
    assertThat(run(0, EMPTY, "tasks", "--label", "team=red").output())
        .hasLineCount(2)
        .containsPattern("ID +STATE +TIER +AGE +COST +PROMPT")
        .containsPattern(
            id + " +succeeded +haiku +\\ds +\\$0\\.\\d{6} +summarise all is well here");
    assertThat(run(0, EMPTY, "tasks", "--state", "expired").output()).isEqualTo("no such task\n");
    assertThat(run(1, EMPTY, "tasks", "--state", "gone").output())
        .contains("state: must be one of");
  }

  @Test
  void whatIsPipedInIsTheTaskWhereThereIsNoPrompt() throws Exception {
    Path report = Files.writeString(folder.resolve("alone.txt"), "say yes");

    assertThat(run(0, report, "task", "--tier", "haiku", "--system", "be brief").output())
        .contains("A made-up answer to: say yes");
    assertThat(run(2, EMPTY, "task").output()).contains("there is no task").hasLineCount(1);
  }

  @Test
  void peopleAndProgramsReadTheSame() throws Exception {
    String id =
        json(run(0, EMPTY, "task", "one more", "--tier", "opus", "--json").output())
            .path("id")
            .asString();

    assertThat(run(0, EMPTY, "show", id).output())
        .containsPattern("state +succeeded\n")
        .contains("decision  opus: ")
        .containsPattern("OUTCOME +TIER +PURPOSE")
        .containsPattern("answered +opus +task +1 ")
        .contains("RESULT\n(simulated opus) A made-up answer to: one more");
    assertThat(run(0, EMPTY, "status").output())
        .containsPattern("fleet +healthy\n")
        .containsPattern("TIER +CALLS TODAY +TOKENS TODAY")
        .containsPattern("dispatcher +\\d ");
    assertThat(json(run(0, EMPTY, "status", "--json").output()).has("opus_usage")).isTrue();
    assertThat(run(0, EMPTY, "ledger", "--tier", "opus").output())
        .containsPattern("WHEN +TIER +OUTCOME")
        .contains(id)
        .doesNotContain("\u001b");
    assertThat(json(run(0, EMPTY, "ledger", "--json").output()).path("entries")).isNotEmpty();
    assertThat(run(0, EMPTY, "stats", "--by", "purpose").output())
        .containsPattern("MODEL +CALLS +COST")
        .containsPattern("task +\\d+ +\\$")
        .containsPattern("\\d+ calls, \\$");
    assertThat(json(run(0, EMPTY, "stats", "--json").output()).has("by_model")).isTrue();
    assertThat(run(1, EMPTY, "show", "nobody").output()).contains("symbiont: ").hasLineCount(1);
  }

  @Test
  void followingATaskEndsWithIt() throws Exception {
    String id = queue("[[sim:400]] refused", "haiku");

    SymbiontProcess follower = run(1, EMPTY, "follow", id);

    assertThat(follower.output().lines().map(it -> it.split(" +", 3)[1]))
        .contains("accepted", "routed", "started")
        .endsWith("failed");
    assertThat(run(1, EMPTY, "follow", "nobody").output()).hasLineCount(1);
  }

  @Test
  void followingGoesOnAfterALostGateway() throws Exception {
    try (SymbiontProcess follower =
            SymbiontProcess.reading(EMPTY, folder, fleet.environment(), "follow", "--json");
        SymbiontProcess quiet =
            SymbiontProcess.reading(EMPTY, folder, fleet.environment(), "follow")) {
      String before = queue("before", "haiku");
      await().until(() -> follower.output().contains("\"succeeded\"") || again("before", follower));
      gateway.kill();
      follower.awaitOutput("has gone; waiting");
      quiet.awaitOutput("has gone; waiting");

      gateway = fleet.start("gateway").awaitOutput("gateway is up");
      String after = queue("after", "haiku");

      await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> ends(follower, after) == 1 && quiet.output().contains(after + "  succeeded"));
      assertThat(ends(follower, before)).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void whatOnlyAsksFindsAllItNeedsInTheFewJarsThatTheLauncherGivesIt() throws Exception {
    String launcher = Files.readString(SymbiontProcess.ROOT.resolve("symbiont"));
    String jars = in(launcher, "/lib/\\{(contract,[a-z0-9,-]+)}").replace(',', '|');
    String classPath;
    try (Stream<Path> lib = Files.list(SymbiontProcess.ROOT.resolve("ops/target/lib"))) {
      classPath =
          Stream.concat(
                  Stream.of(SymbiontProcess.ROOT.resolve("ops/target/ops-1-SNAPSHOT.jar")),
                  lib.filter(it -> it.getFileName().toString().matches("(" + jars + ").*")))
              .map(Path::toString)
              .collect(Collectors.joining(":"));
    }
    String id = queue("for the few", "haiku");
    Map<String, List<String>> arguments =
        Map.of(
            "show", List.of(id),
            "follow", List.of(id),
            "cancel", List.of(id),
            "queue", List.of("for the few as well"),
            "pause", List.of("opus"),
            "wake", List.of("opus"),
            "batch", List.of("-"));
    for (String command :
        (in(launcher, "(?m)^  (batch [a-z| -]+)\\)$") + " | ledger").split(" \\| ", -1)) {
      var words = new ArrayList<>(List.of(command));
      words.addAll(arguments.getOrDefault(command, List.of()));
      try (SymbiontProcess asking =
          SymbiontProcess.start(
              SymbiontProcess.ROOT,
              folder,
              fleet.environment(),
              List.of("-cp", classPath),
              ProcessBuilder.Redirect.from(EMPTY.toFile()),
              words.toArray(String[]::new))) {
        asking.awaitExit();
        assertThat(asking.output()).as(command).doesNotContain("Error", "Exception", "SLF4J");
      }
    }
  }

  private static String in(String text, String pattern) {
    return Pattern.compile(pattern).matcher(text).results().findFirst().orElseThrow().group(1);
  }

  /// A follower of everything hears what comes from the moment on when it is connected.
  private static boolean again(String prompt, SymbiontProcess follower) {
    return queue(prompt, "haiku").isEmpty() || follower.output().contains("\"succeeded\"");
  }

  private static long ends(SymbiontProcess follower, String id) {
    return follower
        .output()
        .lines()
        .filter(it -> it.contains(id) && it.contains("\"event\":\"succeeded\""))
        .count();
  }

  private static String queue(String prompt, String tier) {
    var task = Codec.mapper().createObjectNode().put("task", prompt).put("force_tier", tier);
    return await()
        .ignoreExceptions()
        .until(() -> fleet.gateway().post("/queue", task).orFail(), it -> it.has("id"))
        .path("id")
        .asString();
  }

  private static SymbiontProcess run(int code, Path stdin, String... arguments) throws Exception {
    try (SymbiontProcess process =
        SymbiontProcess.reading(stdin, folder, fleet.environment(), arguments)) {
      assertThat(process.awaitExit()).as(process.output()).isEqualTo(code);
      return process;
    }
  }

  private static JsonNode json(String text) {
    return Codec.mapper().readTree(text);
  }
}
