package dev.symbiont.dispatcher.process;

import dev.symbiont.dispatcher.process.Exit.Stop;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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

  private static final int STDERR_KEPT = 16 * 1024;
  private static final Duration GRACE = Duration.ofSeconds(2);
  private static final int CHUNK = 64 * 1024;

  private final Watchdog watchdog;
  private final ExecutorService pipes =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("pipe-", 0).factory());

  public ChildProcess(Watchdog watchdog) {
    this.watchdog = watchdog;
  }

  /// Runs it, handing each line of its output to `lines`, and returns when nothing of it is left.
  /// An interrupt of the calling thread ends the program; the thread's interrupt flag stays set.
  public Exit run(Command command, Consumer<byte[]> lines) throws IOException {
    var arguments = new ArrayList<>(List.of("setsid"));
    arguments.addAll(command.arguments());
    var builder = new ProcessBuilder(arguments).directory(command.folder().toFile());
    builder.environment().clear();
    builder.environment().putAll(command.environment());
    Process process = builder.start();
    long group = process.pid();
    watchdog.watch(group);
    try {
      Future<?> in = pipes.submit(() -> feed(process.getOutputStream(), command.input()));
      Future<?> out = pipes.submit(() -> readLines(process.getInputStream(), lines));
      Future<byte[]> err = pipes.submit(() -> readTail(process.getErrorStream()));
      Stop stopped = await(process, group, command.timeout());
      // Whatever the program left running goes with it, or it would hold our end of the pipes open.
      boolean outDone = finish(out, GRACE);
      ProcessGroup.signal(group, ProcessGroup.SIGKILL);
      if (!outDone) {
        finish(out, GRACE);
      }
      finish(err, GRACE);
      finish(in, GRACE);
      String stderr = err.isDone() ? new String(err.resultNow(), StandardCharsets.UTF_8) : "";
      return new Exit(process.exitValue(), stopped, stderr.strip());
    } finally {
      process.getInputStream().close();
      process.getErrorStream().close();
      watchdog.forget(group);
    }
  }

  @Override
  public void close() {
    pipes.shutdownNow();
  }

  private static Stop await(Process process, long group, Duration timeout) {
    boolean interrupted = false;
    Stop stopped = Stop.NOT_STOPPED;
    try {
      if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        stopped = Stop.TIMED_OUT;
      }
    } catch (InterruptedException e) {
      stopped = Stop.INTERRUPTED;
      interrupted = true;
    }
    if (stopped != Stop.NOT_STOPPED) {
      interrupted |= end(process, group);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return stopped;
  }

  /// Asks first, then insists. Returns whether the thread was interrupted meanwhile.
  private static boolean end(Process process, long group) {
    boolean interrupted = false;
    ProcessGroup.signal(group, ProcessGroup.SIGTERM);
    try {
      if (process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
        return false;
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    ProcessGroup.signal(group, ProcessGroup.SIGKILL);
    process.onExit().join();
    return interrupted;
  }

  private static boolean finish(Future<?> pipe, Duration patience) {
    boolean interrupted = Thread.interrupted();
    try {
      pipe.get(patience.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (java.util.concurrent.TimeoutException e) {
      return false;
    } catch (java.util.concurrent.ExecutionException e) {
      // A pipe that breaks because its program has ended has said all it had to say.
      return true;
    } catch (InterruptedException e) {
      interrupted = true;
      return false;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static Void feed(OutputStream stdin, String input) throws IOException {
    try (stdin) {
      stdin.write(input.getBytes(StandardCharsets.UTF_8));
    }
    return null;
  }

  private static Void readLines(InputStream stdout, Consumer<byte[]> lines) throws IOException {
    var line = new ByteArrayOutputStream();
    byte[] chunk = new byte[CHUNK];
    for (int n = stdout.read(chunk); n >= 0; n = stdout.read(chunk)) {
      int from = 0;
      for (int i = 0; i < n; i++) {
        if (chunk[i] == '\n') {
          keep(line, chunk, from, i - from);
          lines.accept(line.toByteArray());
          line = new ByteArrayOutputStream();
          from = i + 1;
        }
      }
      keep(line, chunk, from, n - from);
    }
    if (line.size() > 0) {
      lines.accept(line.toByteArray());
    }
    return null;
  }

  private static void keep(ByteArrayOutputStream line, byte[] chunk, int from, int length) {
    line.write(chunk, from, Math.min(length, LONGEST_LINE - line.size()));
  }

  private static byte[] readTail(InputStream stderr) throws IOException {
    byte[] tail = new byte[0];
    byte[] chunk = new byte[CHUNK];
    for (int n = stderr.read(chunk); n >= 0; n = stderr.read(chunk)) {
      int keepOld = Math.max(0, Math.min(tail.length, STDERR_KEPT - n));
      int keepNew = Math.min(n, STDERR_KEPT);
      byte[] next = new byte[keepOld + keepNew];
      System.arraycopy(tail, tail.length - keepOld, next, 0, keepOld);
      System.arraycopy(chunk, n - keepNew, next, keepOld, keepNew);
      tail = next;
    }
    return tail;
  }
}
