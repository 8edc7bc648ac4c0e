package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
