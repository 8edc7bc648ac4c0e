package dev.symbiont.dispatcher.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Outlives this process by a moment, to end what it leaves behind if it is killed: a small shell
/// that is told of every process group, and kills those that are left when its input ends. Removes
/// the work folder as well.
public final class Watchdog implements AutoCloseable {

  private static final String SCRIPT =
      """
      groups=
      while read -r sign id; do
        case $sign in
          +) groups="$groups $id" ;;
          -) kept=; for group in $groups; do [ "$group" = "$id" ] || kept="$kept $group"; done; groups=$kept ;;
        esac
      done
      for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
      rm -rf "$1"
      """;

  private final Process process;
  private final Writer input;

  /// @param folder removed at the end
  public Watchdog(Path folder) throws IOException {
    // In a session of its own: a Ctrl-C at the terminal must not end it first.
    process =
        new ProcessBuilder("setsid", "sh", "-c", SCRIPT, "symbiont-watchdog", folder.toString())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    input = process.outputWriter(StandardCharsets.US_ASCII);
  }

  void watch(long group) {
    tell("+ " + group);
  }

  void forget(long group) {
    tell("- " + group);
  }

  @Override
  public void close() throws IOException {
    input.close();
    process.onExit().join();
  }

  private synchronized void tell(String line) {
    try {
      input.write(line + "\n");
      input.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("the watchdog is gone", e);
    }
  }
}
