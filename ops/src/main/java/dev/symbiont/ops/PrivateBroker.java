package dev.symbiont.ops;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The project's own RabbitMQ node, run by the script `ops/broker/node`.
public final class PrivateBroker {

  private final String script;
  private final String folder;
  private volatile @Nullable Process starting;
  private volatile boolean stopped;

  PrivateBroker(Installation installation) {
    this(installation, installation.brokerFolder());
  }

  private PrivateBroker(Installation installation, Path folder) {
    this.script = installation.root().resolve("ops/broker/node").toString();
    this.folder = folder.toString();
  }

  /// Another node than the project's usual one.
  public static PrivateBroker in(Installation installation, Path folder) {
    return new PrivateBroker(installation, folder);
  }

  /// The address of the node, if it runs.
  Optional<URI> running() {
    Ran ran = run("status");
    return ran.code == 0 ? Optional.of(URI.create(ran.output)) : Optional.empty();
  }

  /// Starts it, and returns its address. Says on stderr what it does when that takes long.
  public URI start() {
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
  public void stop() {
    stopped = true;
    Process script = starting;
    if (script != null) {
      script.destroy();
      script.onExit().join();
    }
    run("stop");
  }

  /// Ends it as a crash would.
  public void kill() {
    run("kill");
  }

  /// Raises or clears the memory alarm, under which the broker takes nothing but still delivers.
  public void alarm(boolean raised) {
    run("ctl", "set_vm_memory_high_watermark", raised ? "0.00001" : "0.4");
  }

  private record Ran(int code, String output) {}

  private Ran run(String command, String... arguments) {
    var line = new ArrayList<>(List.of("setsid", script, command, folder));
    line.addAll(List.of(arguments));
    try {
      // In a session of its own: an impatient second Ctrl-C must not end the stopping.
      Process process =
          new ProcessBuilder(line)
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
