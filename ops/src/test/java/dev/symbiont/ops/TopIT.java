package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// `top` on a running fleet: in a real terminal, which is one of tmux, and without any.
class TopIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String PROMPT = "会議は🎉\u001b[2J\u001b[31m postponed";
  private static final String SHOWN = "会議は🎉 [2J [31m postponed";

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static SymbiontProcess gateway;
  private static String task;

  @BeforeAll
  static void start() {
    fleet = new FleetProcesses(folder, Map.of());
    gateway = fleet.startOfEach();
    var body = Codec.mapper().createObjectNode().put("task", PROMPT).put("force_tier", "haiku");
    task = fleet.gateway().post("/task", body).body().path("id").asString();
  }

  @AfterAll
  static void stop() throws IOException {
    fleet.close();
  }

  @Test
  void anOperatorSeesWhatGoesOn() throws Exception {
    assumeTrue(hasTmux(), "no tmux is installed: top was not tried in a terminal");
    try (var terminal = new Tmux(100, 30)) {
      terminal.run("top");
      terminal.await("a picture", it -> it.contains("ledger ok") && it.contains(SHOWN));
      assertThat(terminal.text())
          .containsPattern("haiku +open ")
          .containsPattern(Pattern.quote(task) + " +succeeded +haiku +\\d+s +\\$0\\.\\d{6}")
          .containsPattern("today \\$0\\.\\d{6} in 1 calls, 0 failed")
          .containsPattern("dispatcher +0 +\\d+s ");
      assertThat(terminal.display("#{alternate_on} #{cursor_flag}")).isEqualTo("1 0");

      terminal.tmux("resize-window", "-t", "top", "-x", "60", "-y", "20");
      terminal.await("the new size", it -> it.lines().toList().getLast().startsWith("q quit"));
      assertThat(terminal.text().lines()).hasSize(20).first().asString().hasSize(60);

      gateway.kill();
      terminal.await("the loss", it -> it.contains("gateway gone") && it.contains("no answer"));
      assertThat(terminal.text()).containsPattern("haiku +open ");
      gateway = fleet.start("gateway");
      terminal.await("its return", it -> it.contains("gateway up") && it.contains("ledger ok"));

      terminal.tmux("send-keys", "-t", "top", "p");
      terminal.await("the pause", it -> it.contains("PAUSED"));
      terminal.tmux("send-keys", "-t", "top", "C-c");
      assertThat(terminal.awaitExit()).isEqualTo(130);

      terminal.run("top", "--interval", "2");
      terminal.await("a picture", it -> it.contains("ledger ok"));
      terminal.tmux("send-keys", "-t", "top", "q");
      assertThat(terminal.awaitExit()).isZero();

      terminal.run("top");
      terminal.await("a picture", it -> it.contains("ledger ok"));
      terminal.terminate();
      assertThat(terminal.awaitExit()).isEqualTo(143);
    }
  }

  @Test
  void programsSeeTheSame() throws Exception {
    assertThat(run(0, "top", "--once").output())
        .containsPattern(Pattern.quote(task) + " +succeeded +haiku .* " + Pattern.quote(SHOWN))
        .doesNotContain("\u001b", "q quit");
    JsonNode answers = Codec.mapper().readTree(run(0, "top", "--json").output());
    assertThat(answers.path("tiers").path("tiers")).hasSize(3);
    assertThat(answers.path("tasks").path("tasks").path(0).path("id").asString()).isEqualTo(task);
    assertThat(answers.path("refused")).isEmpty();
    assertThat(run(2, "top").output()).contains("status --json").hasLineCount(1);
    assertThat(run(2, "top", "--interval", "0").output()).contains("--interval");
  }

  private static SymbiontProcess run(int exitCode, String... arguments) throws Exception {
    var process =
        SymbiontProcess.reading(Path.of("/dev/null"), folder, fleet.environment(), arguments);
    assertThat(process.awaitExit()).as(process.output()).isEqualTo(exitCode);
    return process;
  }

  private static boolean hasTmux() {
    return Files.isExecutable(Path.of("/usr/bin/tmux"));
  }

  /// A terminal with a shell in it, which notes how things stand before and after a command.
  private static final class Tmux implements AutoCloseable {

    private final Path before = folder.resolve("before");
    private final Path after = folder.resolve("after");
    private final Path exitCode = folder.resolve("exit-code");
    private final Path pid = folder.resolve("pid");

    Tmux(int columns, int rows) throws IOException {
      tmux("new-session", "-d", "-s", "top", "-x", "" + columns, "-y", "" + rows, "sh");
    }

    /// Types the command.
    void run(String... arguments) throws IOException {
      List<String> options =
          List.of("-Dsymbiont.root=" + SymbiontProcess.ROOT, "-Dsymbiont.terminal=in out err");
      String command = String.join("' '", SymbiontProcess.command(options, arguments));
      Path script =
          Files.writeString(
              folder.resolve("top.sh"),
              """
              rm -f %2$s %3$s
              stty -a | tail -n +2 > %1$s
              sh -c "echo \\$\\$ > %4$s; SYMBIONT_PORT=%5$d exec '%6$s'"
              echo $? > %3$s
              stty -a | tail -n +2 > %2$s
              """
                  .formatted(before, after, exitCode, pid, fleet.port, command));
      tmux("send-keys", "-t", "top", "sh " + script, "Enter");
    }

    /// Holds the terminal against what it was like before.
    int awaitExit() throws IOException {
      Awaitility.await("the end")
          .atMost(PATIENCE)
          .until(() -> Files.exists(after) && !Files.readString(after).isEmpty());
      assertThat(after).hasSameTextualContentAs(before);
      assertThat(Files.readString(after)).doesNotContain("-icanon", "-isig", "-echo ");
      assertThat(display("#{alternate_on} #{cursor_flag}")).isEqualTo("0 1");
      assertThat(text()).contains("top.sh").doesNotContain("ledger ok");
      return Integer.parseInt(Files.readString(exitCode).strip());
    }

    void terminate() throws IOException {
      ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())).orElseThrow().destroy();
    }

    void await(String what, Predicate<String> seen) {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(100))
          .until(this::text, seen);
    }

    String text() throws IOException {
      return tmux("capture-pane", "-p", "-t", "top");
    }

    String display(String format) throws IOException {
      return tmux("display-message", "-p", "-t", "top", format).strip();
    }

    /// A server of its own, which knows nothing of the surroundings.
    String tmux(String... arguments) throws IOException {
      var command = new ArrayList<>(List.of("tmux", "-u", "-L", "top", "-f", "/dev/null"));
      command.addAll(List.of(arguments));
      var builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().clear();
      builder
          .environment()
          .putAll(
              Map.of("PATH", "/usr/bin:/bin", "LANG", "C.UTF-8", "TMUX_TMPDIR", folder.toString()));
      Process process = builder.start();
      var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      Process ended = process.onExit().orTimeout(10, TimeUnit.SECONDS).join();
      assertThat(ended.exitValue()).as(said).isZero();
      return said;
    }

    @Override
    public void close() throws IOException {
      tmux("kill-server");
    }
  }
}
