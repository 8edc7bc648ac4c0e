package dev.symbiont.ops;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The project's own RabbitMQ node, run by the script `ops/broker/node`.
final class PrivateBroker {

  private final Installation installation;
  private volatile @Nullable Process starting;
  private volatile boolean stopped;

  PrivateBroker(Installation installation) {
    this.installation = installation;
  }

  /// The address of the node, if it runs.
  Optional<URI> running() {
    Ran ran = run("status");
    return ran.code == 0 ? Optional.of(URI.create(ran.output)) : Optional.empty();
  }

  /// Starts it, and returns its address. Says on stderr what it does when that takes long.
  URI start() {
    Ran ran = run("start");
    if (ran.code != 0) {
      throw new SetupException(
          stopped
              ? "stopped while the broker was starting"
              : "the private broker did not start; see the lines above");
    }
    return URI.create(ran.output);
  }

  /// Stops it, or the starting of it.
  void stop() {
    stopped = true;
    Process script = starting;
    if (script != null) {
      script.destroy();
      script.onExit().join();
    }
    run("stop");
  }

  private record Ran(int code, String output) {}

  private Ran run(String command) {
    var script = installation.root().resolve("ops/broker/node").toString();
    try {
      // In a session of its own: an impatient second Ctrl-C must not end the stopping.
      Process process =
          new ProcessBuilder("setsid", script, command, installation.brokerFolder().toString())
              .redirectError(
                  command.equals("status")
                      ? ProcessBuilder.Redirect.DISCARD
                      : ProcessBuilder.Redirect.INHERIT)
              .start();
      if (command.equals("start")) {
        starting = process;
      }
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = process.onExit().join().exitValue();
      starting = null;
      return new Ran(code, output.strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
