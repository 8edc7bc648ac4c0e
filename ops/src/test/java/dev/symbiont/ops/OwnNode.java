package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A broker node that belongs to one test alone, which may therefore harm it. Its address stays the
/// same over every restart.
record OwnNode(Path folder) implements AutoCloseable {

  private static final Path SCRIPT = SymbiontProcess.ROOT.resolve("ops/broker/node");

  /// Returns when it answers; does nothing else if it runs.
  URI start() {
    return URI.create(run("start"));
  }

  void kill() {
    run("kill");
  }

  /// Runs the node's own rabbitmqctl.
  void control(String... arguments) {
    run("ctl", arguments);
  }

  @Override
  public void close() {
    run("stop");
  }

  private String run(String command, String... more) {
    var line = new ArrayList<>(List.of(SCRIPT.toString(), command, folder.toString()));
    line.addAll(List.of(more));
    try {
      Process process =
          new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as("%s: %s", line, out).isZero();
      return out.strip();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
