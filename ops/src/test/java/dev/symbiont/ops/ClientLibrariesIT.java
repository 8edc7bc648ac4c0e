package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The official client libraries of npm, run as in the examples against a fleet of processes.
class ClientLibrariesIT {

  private static final Path EXAMPLES = SymbiontProcess.ROOT.resolve("examples/javascript");
  private static final String WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @TempDir private static Path folder;
  private static @Nullable FleetProcesses fleet;

  @BeforeAll
  static void start() throws Exception {
    for (String file :
        List.of(
            "package.json",
            "package-lock.json",
            "openai.mjs",
            "anthropic.mjs",
            "produce.mjs",
            "webhook.mjs")) {
      Files.copy(EXAMPLES.resolve(file), folder.resolve(file));
    }
    assumeTrue(hasLibraries(), "the libraries cannot be had from npm here: they were not tried");
    var all =
        new FleetProcesses(
            folder,
            Map.of(
                "SYMBIONT_WEBHOOK_SECRET",
                WEBHOOK_SECRET,
                "SPRING_APPLICATION_JSON",
                "{\"symbiont.gateway.webhooks.allow-private\": true}"));
    fleet = all;
    all.start("ledger").awaitOutput("ledger is up");
    all.start("router").awaitOutput("router is up");
    all.start("dispatcher").awaitOutput("dispatcher is up");
    all.start("gateway").awaitOutput("gateway is up");
    await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> all.gateway().hasLedger());
  }

  @AfterAll
  static void stop() throws IOException {
    if (fleet != null) {
      fleet.close();
    }
  }

  @Test
  void openAisLibraryIsServed() throws Exception {
    assertThat(run("node", "openai.mjs").lines().toList())
        .satisfies(it -> assertThat(it.get(1)).matches("tier: haiku tokens: \\d+ cost: 0\\.\\d+"))
        .filteredOn(it -> !it.startsWith("tier:"))
        .containsExactly(
            "chat: (simulated haiku) A made-up answer to: Summarize this email: the meeting moved to Friday",
            "usage: true",
            "stream: (simulated sonnet) A made-up answer to: Write a haiku about ledgers in pieces",
            "structured: string",
            "error: NotFoundError 404 model_not_found model",
            "models: symbiont-auto haiku sonnet opus");
  }

  @Test
  void anthropicsLibraryIsServed() throws Exception {
    assertThat(run("node", "anthropic.mjs").lines())
        .satisfiesExactly(
            it -> assertThat(it).startsWith("chat: (simulated ").contains("A conversation so far"),
            it -> assertThat(it).startsWith("stop: end_turn tier: ").endsWith("tokens: true"),
            it ->
                assertThat(it)
                    .isEqualTo(
                        "stream: (simulated sonnet) A made-up answer to: Write a haiku about ledgers / end_turn"),
            it -> assertThat(it).isEqualTo("structured: string"),
            it -> assertThat(it).isEqualTo("error: NotFoundError 404 not_found_error"));
  }

  @Test
  void amqplibGetsItsResult() throws Exception {
    var result = Codec.mapper().readTree(run("node", "produce.mjs", "Say hello"));

    assertThat(result.path("status").asString()).isEqualTo("succeeded");
    assertThat(result.path("result").asString()).contains("Say hello");
  }

  @Test
  void theSpecificationsLibraryVerifiesAWebhook() throws Exception {
    assertThat(run("node", "webhook.mjs").strip())
        .isEqualTo("task.succeeded: (simulated haiku) A made-up answer to: Say hello");
  }

  private static boolean hasLibraries() throws InterruptedException {
    try {
      return start("npm", "ci", "--no-audit", "--no-fund").waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static Process start(String... command) throws IOException {
    return new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve(command[0] + ".log").toFile())
        .start();
  }

  private static String run(String... command) throws Exception {
    var builder = new ProcessBuilder(command).directory(folder.toFile());
    if (fleet != null) {
      builder.environment().put("SYMBIONT_URL", fleet.gateway().address());
      builder.environment().put("SYMBIONT_BROKER", fleet.broker.address().toString());
      builder.environment().put("SYMBIONT_WEBHOOK_SECRET", WEBHOOK_SECRET);
    }
    Path log = Files.createTempFile(folder, "run", ".log");
    Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean ended = process.waitFor(PATIENCE);
    if (!ended) {
      process.destroyForcibly();
    }
    String output = Files.readString(log, StandardCharsets.UTF_8);
    assertThat(ended && process.exitValue() == 0).as(output).isTrue();
    return output;
  }
}
