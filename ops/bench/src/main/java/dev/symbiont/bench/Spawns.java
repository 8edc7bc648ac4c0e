package dev.symbiont.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/// How fast the machine starts programs.
final class Spawns {

  /// Prints what the exec adapter expects.
  static final List<String> COMMAND = List.of("/bin/echo", "{\"result\": \"ok\"}");

  private Spawns() {}

  /// Starts the program `count` times, so many at a time, and reads what it prints.
  static double perSecond(int count, int atATime) {
    try (var threads = Executors.newFixedThreadPool(atATime)) {
      long start = System.nanoTime();
      List<Future<?>> all =
          IntStream.range(0, count).<Future<?>>mapToObj(_ -> threads.submit(Spawns::once)).toList();
      for (Future<?> each : all) {
        each.get();
      }
      return count / ((System.nanoTime() - start) / 1e9);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (java.util.concurrent.ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void once() {
    try {
      Process process = new ProcessBuilder(COMMAND).start();
      process.getOutputStream().close();
      process.getInputStream().readAllBytes();
      process.onExit().join();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
