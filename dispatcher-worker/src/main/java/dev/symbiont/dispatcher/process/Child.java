package dev.symbiont.dispatcher.process;

import dev.symbiont.dispatcher.process.Exit.Stop;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A program that was started, until nothing of it is left. One thread at a time talks to it.
public final class Child implements AutoCloseable {

  private static final int STDERR_KEPT = 16 * 1024;
  private static final Duration GRACE = Duration.ofSeconds(2);
  private static final Duration GRACE_TO_END = Duration.ofSeconds(1);

  /// So much fits into a pipe many times over, and a program is sent only a few messages before it
  /// has to answer.
  private static final int NEVER_BLOCKS = 4 * 1024;

  private static final int CHUNK = 8 * 1024;

  private final Process process;
  private final long group;
  private final Watchdog watchdog;
  private final ExecutorService pipes;
  private final CompletableFuture<Void> out;
  private final Future<byte[]> err;
  private Future<?> in = CompletableFuture.completedFuture(null);
  private @Nullable Exit exit;

  Child(Process process, Watchdog watchdog, ExecutorService pipes, Consumer<byte[]> lines) {
    this.process = process;
    this.group = process.pid();
    this.watchdog = watchdog;
    this.pipes = pipes;
    watchdog.watch(group);
    out = CompletableFuture.runAsync(() -> readLines(process.getInputStream(), lines), pipes);
    err = pipes.submit(() -> readTail(process.getErrorStream()));
  }

  /// Writes to its input without waiting for it to read: a program that does not read holds nobody.
  ///
  /// @param last whether nothing more will come
  public void write(byte[] bytes, boolean last) {
    // While an earlier write stands before a full pipe, even a close would wait for it.
    if (bytes.length > NEVER_BLOCKS || !in.isDone()) {
      in = pipes.submit(() -> feed(process.getOutputStream(), bytes, last));
      return;
    }
    try {
      feed(process.getOutputStream(), bytes, last);
    } catch (IOException e) {
      in = CompletableFuture.failedFuture(e);
    }
  }

  /// Completes when it has closed its output, as it does when it ends.
  public CompletableFuture<Void> silence() {
    return out;
  }

  /// Waits for its end, ends it after a time or at an interrupt of the calling thread, whose flag
  /// stays set, and takes away whatever it left running.
  public Exit await(Duration timeout) {
    if (exit != null) {
      return exit;
    }
    Stop stopped = stop(timeout);
    // Whatever the program left running goes with it, or it would hold our end of the pipes open.
    boolean outDone = finish(out, GRACE);
    ProcessGroup.signal(group, ProcessGroup.SIGKILL);
    if (!outDone) {
      finish(out, GRACE);
    }
    finish(err, GRACE);
    finish(in, GRACE);
    String stderr = err.isDone() ? new String(err.resultNow(), StandardCharsets.UTF_8) : "";
    exit = new Exit(process.exitValue(), stopped, stderr.strip());
    return exit;
  }

  /// Kills it, if nobody has waited for its end.
  @Override
  public void close() {
    if (process.isAlive()) {
      ProcessGroup.signal(group, ProcessGroup.SIGKILL);
      process.onExit().join();
    }
    watchdog.forget(group);
    try {
      process.getInputStream().close();
      process.getErrorStream().close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Stop stop(Duration timeout) {
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
      interrupted |= kill();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return stopped;
  }

  /// Asks first, then insists. Returns whether the thread was interrupted meanwhile.
  private boolean kill() {
    boolean interrupted = false;
    ProcessGroup.signal(group, ProcessGroup.SIGTERM);
    try {
      if (process.waitFor(GRACE_TO_END.toMillis(), TimeUnit.MILLISECONDS)) {
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

  private static Void feed(OutputStream stdin, byte[] bytes, boolean last) throws IOException {
    boolean open = false;
    try {
      stdin.write(bytes);
      stdin.flush();
      open = !last;
    } finally {
      if (!open) {
        stdin.close();
      }
    }
    return null;
  }

  private static void readLines(InputStream stdout, Consumer<byte[]> lines) {
    try {
      readAll(stdout, lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void readAll(InputStream stdout, Consumer<byte[]> lines) throws IOException {
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
  }

  private static void keep(ByteArrayOutputStream line, byte[] chunk, int from, int length) {
    line.write(chunk, from, Math.min(length, ChildProcess.LONGEST_LINE - line.size()));
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
