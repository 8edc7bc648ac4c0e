package dev.symbiont.dispatcher.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/// Runs programs to their end, whatever they do: in a session of their own, so that the whole tree
/// can be ended; with a deadline of ours; reading all of their output and keeping a bounded part of
/// it.
///
/// The pipes are read on platform threads: a blocked pipe read would hold the carrier of a virtual
/// one.
public final class ChildProcess implements AutoCloseable {

  /// The longest line that is kept; the rest of a longer one is thrown away.
  public static final int LONGEST_LINE = 32 * 1024 * 1024;

  private final Watchdog watchdog;
  private final ExecutorService pipes =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("pipe-", 0).factory());

  public ChildProcess(Watchdog watchdog) {
    this.watchdog = watchdog;
  }

  /// Runs it, handing each line of its output to `lines`, and returns when nothing of it is left.
  /// An interrupt of the calling thread ends the program; the thread's interrupt flag stays set.
  public Exit run(Command command, Consumer<byte[]> lines) throws IOException {
    try (Child child = start(command, lines)) {
      child.write(command.input().getBytes(StandardCharsets.UTF_8), true);
      return child.await(command.timeout());
    }
  }

  /// Starts it, and leaves it to the caller to write to it and to end it.
  public Child start(Command command, Consumer<byte[]> lines) throws IOException {
    var arguments = new ArrayList<>(List.of("setsid"));
    arguments.addAll(command.arguments());
    var builder = new ProcessBuilder(arguments).directory(command.folder().toFile());
    builder.environment().clear();
    builder.environment().putAll(command.environment());
    return new Child(builder.start(), watchdog, pipes, lines);
  }

  @Override
  public void close() {
    pipes.shutdownNow();
  }
}
