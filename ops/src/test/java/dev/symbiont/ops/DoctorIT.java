package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is broken is named, with what to do about it; what is not, is left in peace.
class DoctorIT {

  @TempDir private static Path folder;
  private static FleetProcesses fleet;

  private final Map<String, String> environment = new HashMap<>();
  private Path root = SymbiontProcess.ROOT;

  @BeforeAll
  static void start() {
    fleet = new FleetProcesses(folder, Map.of());
    List<SymbiontProcess> roles =
        List.of("ledger", "router", "gateway").stream().map(it -> fleet.start(it)).toList();
    roles.forEach(it -> it.awaitOutput("is up"));
    await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> fleet.gateway().hasLedger());
  }

  @BeforeEach
  void asTheFleetHasIt() {
    environment.putAll(fleet.environment());
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Test
  void aFleetThatLacksAndThenHasAllItNeeds() throws Exception {
    assertThat(run(Symbiont.FAILED))
        .contains("ok    jdk ", "ok    configuration  tiers haiku, sonnet, opus")
        .containsPattern("ok    broker +amqp://.*, RabbitMQ \\d+\\.\\d+")
        .containsPattern("ok    alarms ")
        .containsPattern("ok    topology ")
        .containsPattern("ok    router +1 worker")
        .containsPattern("ok    gateway .*ledger-writer answers")
        .containsPattern("ok    dead letters +none")
        .containsPattern("ok    clocks ")
        .containsPattern("ok    ledger folder ")
        .containsPattern("ok    disk ")
        .containsPattern("ok    cli .*2\\.1\\.")
        .containsPattern("ok    login ")
        .containsPattern("FAIL  tier haiku +no dispatcher .*; .* ./symbiont start dispatcher")
        .containsPattern("FAIL  tier opus ");

    try (SymbiontProcess _ = fleet.start("dispatcher").awaitOutput("dispatcher is up")) {
      await("it consumes").until(() -> examine().contains("ok    tier haiku"));
      assertThat(run(0)).doesNotContain("FAIL").doesNotContain("WARN");
      fleet.broker.publish(
          "symbiont.tasks",
          "normal",
          new AMQP.BasicProperties(),
          "{\"task\":\"x\",\"force_tier\":\"gpt\"}".getBytes(StandardCharsets.UTF_8));
      await("the letter")
          .until(() -> fleet.gateway().get("/dead-letters").body().path("total").asInt() == 1);

      assertThat(examine())
          .containsPattern("WARN  dead letters .*unknown tier 'gpt'.* dead-letters replay")
          .doesNotContain("others");
    }
  }

  @Test
  void whereNothingIsSetUpEachThingIsNamed() throws Exception {
    environment.clear();
    environment.put("SYMBIONT_BROKER", "amqp://127.0.0.1:1");
    environment.put("SYMBIONT_PORT", Integer.toString(FleetProcesses.freePort()));
    Path file = Files.createFile(folder.resolve("file"));
    environment.put("SYMBIONT_DATA", file.resolve("ledger").toString());

    assertThat(examine())
        .containsPattern("FAIL  broker .*cannot be reached .*; start it, or set SYMBIONT_BROKER")
        .containsPattern("FAIL  gateway .*nobody listens .*; start ./symbiont up")
        .containsPattern("FAIL  ledger folder .*; .*set SYMBIONT_DATA")
        .containsPattern("FAIL  cli .*no Claude CLI on the PATH; install it")
        .doesNotContain("\tat ");
  }

  @Test
  void aWrongPasswordAPoorDiskAndABadConfiguration() throws Exception {
    environment.put(
        "SYMBIONT_BROKER", "amqp://nobody:secret@127.0.0.1:" + fleet.broker.address().getPort());
    root = Files.createDirectories(folder.resolve("root"));
    Files.createSymbolicLink(root.resolve("ops"), SymbiontProcess.ROOT.resolve("ops"));
    Files.writeString(
        root.resolve("symbiont.yml"), "symbiont.tiers: [{name: haiku, fallback: [gpt]}]");

    assertThat(examine(Long.MAX_VALUE))
        .containsPattern("FAIL  configuration .*unknown tier 'gpt'.*; no role will start")
        .containsPattern("FAIL  broker .*refuses the login of user 'nobody'; check the user")
        .containsPattern("FAIL  disk .*; make room")
        .doesNotContain("secret");
    assertThat(examine(Long.MAX_VALUE, "configuration", "broker", "disk")).doesNotContain("FAIL");
  }

  @Test
  void aCliThatIsNotLoggedInOrDoesNotRun() throws Exception {
    Path cli = script("the-cli", "echo 2.1.197");
    Path home = Files.createDirectories(folder.resolve("home"));
    environment.put("SYMBIONT_CLAUDE", cli.toString());
    environment.put("SYMBIONT_CLAUDE_HOME", home.toString());

    assertThat(examine())
        .containsPattern("ok    cli .*the-cli, 2\\.1\\.197")
        .containsPattern("FAIL  login .*not logged in.*; run ./symbiont login");

    Path login = Files.createDirectories(home.resolve(".claude")).resolve(".credentials.json");
    Files.writeString(login, "{}");
    environment.put("SYMBIONT_CLAUDE", script("broken", "echo no library; exit 3").toString());
    assertThat(examine())
        .containsPattern("ok    login .*credentials.json")
        .containsPattern("FAIL  cli .*no library.*; install it anew");

    environment.put("SYMBIONT_CLAUDE", folder.resolve("nowhere").toString());
    assertThat(examine())
        .containsPattern("FAIL  cli .*not an executable file; name the Claude CLI");
  }

  @Test
  void aClockThatIsWrongAndAPortThatIsTaken() throws Exception {
    Instant late = Instant.now().minusSeconds(3_600);
    String status =
        "{\"api_uptime_seconds\": 1, \"queue_size\": 0, \"workers\": [{\"worker\": \"router-1\", \"at\": \"%s\"}]}"
            .formatted(Instant.now().plusSeconds(86_400 * 3));
    try (var stub = StubGateway.start(late, status)) {
      environment.put("SYMBIONT_PORT", Integer.toString(stub.port()));
      assertThat(examine())
          .containsPattern(
              "WARN  clocks +the gateway's is (1h00m|59m\\d\\ds) behind this one's; .*NTP")
          .containsPattern(
              "WARN  clocks +that of router-1 is (3d00h|2d23h) ahead of this one's; .*NTP");
    }
    try (var stub = StubGateway.start(Instant.now(), "<html>")) {
      environment.put("SYMBIONT_PORT", Integer.toString(stub.port()));
      assertThat(examine())
          .containsPattern("FAIL  gateway .*something else has .*; stop it, or set SYMBIONT_PORT");
    }
  }

  @Test
  void aLedgerThatWasChanged() throws Exception {
    Path copy = Files.createDirectories(folder.resolve("copy"));
    environment.put("SYMBIONT_DATA", copy.toString());
    assertThat(examine()).containsPattern("-     ledger +nothing was recorded");
    Files.writeString(copy.resolve("tasks.jsonl"), "{\"changed\": true}\n");

    assertThat(examine()).containsPattern("FAIL  ledger +.*tasks.jsonl.*line 1.*; keep a copy");
  }

  private String run(int code) throws Exception {
    try (SymbiontProcess process = SymbiontProcess.start(folder, environment, "doctor")) {
      assertThat(process.awaitExit()).as(process.output()).isEqualTo(code);
      return process.output();
    }
  }

  private static Path script(String name, String content) throws IOException {
    Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + content + "\n");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  /// In this process: a dozen of them would take long to start.
  private String examine(String... skipped) {
    return examine(1, skipped);
  }

  private String examine(long leastFree, String... skipped) {
    var text = new StringWriter();
    var findings = new Findings(new PrintWriter(text, true), Terminal.NONE, Set.of(skipped));
    DoctorCommand.examine(new Installation(root, environment), leastFree, findings);
    assertThat(text.toString().contains("FAIL")).isEqualTo(findings.hasFailed());
    return text.toString();
  }
}
