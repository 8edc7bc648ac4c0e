package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// What bash makes of the completion script; and what the help says of exit codes.
class CompletionIT {

  @TempDir private Path folder;

  @Test
  void bashCompletesCommandsAndOptions() throws Exception {
    Path script = Files.writeString(folder.resolve("completion"), run("completion"));

    assertThat(completed(script, "dead-l")).containsExactly("dead-letters");
    assertThat(completed(script, "dead-letters", "re")).containsExactly("replay");
    assertThat(completed(script, "tasks", "--s")).contains("--state", "--since");
    assertThat(completed(script, "batch", "--at")).containsExactly("--at-a-time");
    assertThat(completed(script, "task", "--la")).contains("--label");
  }

  @Test
  void whatTheLauncherDoesItselfIsCompletedToo() throws Exception {
    Path script = Files.writeString(folder.resolve("completion"), run("completion"));

    assertThat(completed(script, "lo")).containsExactly("login");
    assertThat(completed(script, "bro")).containsExactly("broker");
    assertThat(completed(script, "broker", "''")).contains("start", "stop", "status");
    assertThat(completed(script, "test", "--bro")).containsExactly("--broker");
    assertThat(completed(script, "test", "--broker", "c")).containsExactly("container");
    assertThat(completed(script, "bench", "--r")).containsExactly("--runs");
  }

  /// At a prompt of its own, on a terminal of its own.
  @Test
  void zshCompletesThemAtItsPrompt() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/zsh")), "zsh is not installed");
    Path script = Files.writeString(folder.resolve("completion"), run("completion"));

    assertThat(completedByZsh(script, "dead-letters repl")).isEqualTo("dead-letters replay");
    assertThat(completedByZsh(script, "broker sto")).isEqualTo("broker stop");
    assertThat(completedByZsh(script, "batch --at")).isEqualTo("batch --at-a-time");
  }

  @Test
  void everyCommandTellsItsExitCodes() {
    CommandLine line = Symbiont.commandLine();

    assertThat(line.getSubcommands().values())
        .allSatisfy(
            it ->
                assertThat(it.getUsageMessage())
                    .contains("Exit codes:", "0   done", "1   a task", "2   wrong use"));
  }

  private static String run(String... arguments) {
    var out = new StringWriter();
    CommandLine line = Symbiont.commandLine();
    line.setOut(new PrintWriter(out));
    assertThat(line.execute(arguments)).isZero();
    return out.toString();
  }

  /// What stands there after a tab, which is told by a program of that name.
  private String completedByZsh(Path script, String typed) throws Exception {
    Path program = folder.resolve("symbiont");
    Path told = folder.resolve("told");
    Files.deleteIfExists(told);
    Files.writeString(
        program, "#!/bin/sh\necho \"$*\" >%1$s.new && mv %1$s.new %1$s\n".formatted(told));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    String ask =
        """
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell 'autoload -Uz compinit; compinit -u -D; source %s; print be''gun'
        zpty -r shell seen '*begun*'
        zpty -w -n shell $'%s %s\t\n'
        for ((i = 0; i < 100; i++)) { [[ -e %s ]] && break; zselect -t 10 }
        zpty -d shell
        """
            .formatted(script, program, typed, told);
    Process zsh =
        new ProcessBuilder("zsh", "-f", "-c", "zmodload zsh/zselect\n" + ask)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("zsh.log").toFile())
            .start();
    assertThat(zsh.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(told).as(Files.readString(folder.resolve("zsh.log"))).exists();
    return Files.readString(told).strip();
  }

  private static List<String> completed(Path script, String... words) throws Exception {
    String ask =
        "source %s; COMP_WORDS=(symbiont %s); COMP_CWORD=%d; _complete_symbiont; printf '%%s\\n' \"${COMPREPLY[@]}\""
            .formatted(script, String.join(" ", words), words.length);
    Process bash =
        new ProcessBuilder("bash", "--norc", "-c", ask)
            // Outside of a completion, bash complains that it is none.
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bash.waitFor()).as(said).isZero();
    return said.lines().map(String::strip).toList();
  }
}
