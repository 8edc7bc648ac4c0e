package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.wire.Codec;
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
import java.util.concurrent.TimeUnit;
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
  void aLedgerOfWhichOneLetterWasChanged() throws Exception {
    Path copy = Files.createDirectories(folder.resolve("copy"));
    environment.put("SYMBIONT_DATA", copy.toString());
    assertThat(examine()).containsPattern("-     ledger +nothing was recorded");
    var task = Codec.mapper().createObjectNode().put("task", "of importance");
    fleet.gateway().post("/queue", task).orFail();
    Path journal = copy.resolve("tasks.jsonl");
    String honest =
        await()
            .until(
                () -> Files.readString(fleet.folder.resolve("ledger/tasks.jsonl")),
                it -> it.contains("of importance"));
    Files.writeString(journal, honest.substring(0, honest.lastIndexOf('\n') + 1));
    assertThat(examine()).containsPattern("ok    ledger ");

    Files.writeString(journal, Files.readString(journal).replace("of importance", "of Importance"));

    assertThat(examine())
        .containsPattern(
            "FAIL  ledger +.*tasks.jsonl.*line \\d+.*; keep a copy, and take the file");
  }

  @Test
  void aDiskThatIsFull() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(
        ran("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString()),
        "only root can mount a small disk");
    try {
      environment.put("SYMBIONT_DATA", disk.resolve("ledger").toString());
      assertThat(examine()).containsPattern("ok    disk +1 MB are left");
      assertThat(examine(1_000)).containsPattern("FAIL  disk +1 MB are left .*; make room");

      Files.write(disk.resolve("ballast"), new byte[1_040_384]);

      assertThat(examine())
          .containsPattern("FAIL  ledger folder .*No space left on device.*; .*give .* room");
    } finally {
      ran("umount", "-l", disk.toString());
    }
  }

  /// Doctor itself would not run on it: it is the launcher that finds none better.
  @Test
  void aJdkThatIsTooOld() throws Exception {
    Path old = Files.createDirectories(folder.resolve("jdk-17/bin"));
    Files.copy(script("javac", ""), old.resolve("javac"));
    Files.copy(script("java", ""), old.resolve("java"));
    for (String program : List.of("java", "javac")) {
      Files.setPosixFilePermissions(
          old.resolve(program), PosixFilePermissions.fromString("rwx------"));
    }
    Files.writeString(folder.resolve("jdk-17/release"), "JAVA_VERSION=\"17.0.12\"\n");
    String hideOthers =
        "for it in /usr/lib/jvm /opt/java; do [ ! -d $it ] || mount -t tmpfs none $it || exit 99; done; exec \"$@\"";
    Path said = folder.resolve("launcher.log");
    var builder =
        new ProcessBuilder(
                "unshare",
                "--mount",
                "sh",
                "-c",
                hideOthers,
                "sh",
                SymbiontProcess.ROOT.resolve("symbiont").toString(),
                "doctor")
            .redirectErrorStream(true)
            .redirectOutput(said.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", old + ":/usr/bin:/bin");
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("JAVA_HOME", folder.resolve("jdk-17").toString());
    assumeTrue(ran("unshare", "--mount", "true"), "only root can hide the other JDKs");

    Process launcher = builder.start();

    assertThat(launcher.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(launcher.exitValue()).as(Files.readString(said)).isEqualTo(Symbiont.MISUSED);
    assertThat(said)
        .content()
        .contains("no JDK 25 or newer found (", "jdk-17 is 17", "; install one", "set JAVA_HOME")
        .hasLineCount(1);
  }

  private String run(int code) throws Exception {
    try (SymbiontProcess process = SymbiontProcess.start(folder, environment, "doctor")) {
      assertThat(process.awaitExit()).as(process.output()).isEqualTo(code);
      return process.output();
    }
  }

  private static boolean ran(String... command) throws Exception {
    return new ProcessBuilder(command).start().waitFor() == 0;
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
