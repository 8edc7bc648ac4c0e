package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A broker node that belongs to one test alone, which may therefore harm it. Its address stays the
/// same over every restart.
record OwnNode(Path folder) implements AutoCloseable {

  private static final Path SCRIPT = SymbiontProcess.ROOT.resolve("ops/broker/node");
  private static final int FIRST_PORT = 20_000;
  private static final int LAST_PORT = 25_980;
  private static final int BLOCK = 20;

  /// On ports that the script gives nobody: while this node is dead, another one that is started on
  /// the machine would take its ports otherwise.
  static OwnNode in(Path folder) throws IOException {
    assumeTrue(
        !System.getProperty("symbiont.test.broker", "private").equals("container"),
        "only a node of its own can be killed");
    int port = FIRST_PORT;
    while (!(isFree(port) && isFree(port + 1) && isFree(port + 3))) {
      port += BLOCK;
      assertThat(port).as("a free block of ports").isLessThanOrEqualTo(LAST_PORT);
    }
    Files.writeString(folder.resolve("port"), Integer.toString(port));
    return new OwnNode(folder);
  }

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

  private static boolean isFree(int port) {
    try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
    }
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
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
