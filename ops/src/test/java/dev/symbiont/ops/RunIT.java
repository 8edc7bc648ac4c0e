package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The one-process fleet with its private broker: does its work, and leaves nothing behind however
/// it ends.
class RunIT {

  @TempDir private Path folder;
  private Path root;

  @BeforeEach
  void aProjectFolderOfItsOwn() throws IOException {
    root = Files.createDirectories(folder.resolve("root"));
    Files.createSymbolicLink(root.resolve("ops"), SymbiontProcess.ROOT.resolve("ops"));
  }

  @Test
  void runsATaskFromPromptToAnswerAndLedgerLine() throws Exception {
    try (var process = start("run", "Summarize this email: the meeting moved to Friday")) {
      assertThat(process.awaitExit()).as(process.output()).isZero();

      assertThat(process.output())
          .contains("A made-up answer to: Summarize this email")
          .contains("tier    haiku: ")
          .contains("model   claude-haiku")
          .containsPattern("tokens  \\d+ in, \\d+ out")
          .containsPattern("cost    \\$0\\.\\d+")
          .contains("SIMULATED");
      assertThat(Files.readString(root.resolve("ledger/ledger.jsonl"))).hasLineCount(2);
      assertNothingIsLeft();
    }
  }

  @Test
  void ctrlCStopsEverything() throws Exception {
    try (var process = start("up")) {
      process.awaitOutput("Symbiont is up");

      process.interrupt();
      process.awaitExit();

      assertNothingIsLeft();
    }
  }

  @Test
  void ctrlCWhileTheBrokerStartsStopsItAsWell() throws Exception {
    try (var process = start("up")) {
      await("the broker's session")
          .atMost(Duration.ofSeconds(30))
          .until(() -> Files.exists(root.resolve("var/broker/session")));

      process.interrupt();
      process.awaitExit();

      assertNothingIsLeft();
    }
  }

  private SymbiontProcess start(String... arguments) {
    return SymbiontProcess.start(
        root,
        folder,
        Map.of(
            "SYMBIONT_DATA", root.resolve("ledger").toString(),
            "SYMBIONT_WORK", root.resolve("work").toString(),
            "SYMBIONT_CLAUDE_HOME", root.resolve("claude").toString(),
            "SYMBIONT_PORT", "0"),
        arguments);
  }

  /// Every process of the fleet names the test's own folder in its command line or its environment.
  private void assertNothingIsLeft() {
    await("no process is left")
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(left()).isEmpty());
  }

  private List<String> left() throws IOException {
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      return processes
          .filter(it -> it.getFileName().toString().matches("\\d+"))
          .filter(it -> mentions(it.resolve("cmdline")) || mentions(it.resolve("environ")))
          .map(Path::toString)
          .toList();
    }
  }

  private boolean mentions(Path file) {
    try {
      return Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1)
          .contains(root.toString());
    } catch (IOException e) {
      // It ended while we looked.
      return false;
    }
  }
}
