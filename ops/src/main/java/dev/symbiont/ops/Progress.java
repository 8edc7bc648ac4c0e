package dev.symbiont.ops;

import java.io.PrintWriter;
import java.time.Duration;

/// How far something has come: a bar on a terminal, a line for each twentieth elsewhere.
final class Progress {

  private static final int BAR = 30;
  private static final int STEPS = 20;
  private static final long REDRAW_NANOS = Duration.ofMillis(100).toNanos();

  private final PrintWriter err;
  private final boolean bar;
  private final int all;
  private final long start = System.nanoTime();
  private long drawn = start - REDRAW_NANOS;
  private int first = -1;
  private int told = -1;

  Progress(PrintWriter err, boolean bar, int all) {
    this.err = err;
    this.bar = bar;
    this.all = all;
  }

  void at(int done, int failed) {
    if (first < 0) {
      first = done;
      told = step(done);
    }
    if (bar) {
      draw(done, failed);
    } else if (step(done) > told) {
      told = step(done);
      err.println("symbiont: %d of %d lines, %d failed".formatted(done, all, failed));
    }
  }

  private int step(int done) {
    return all == 0 ? STEPS : (int) ((long) done * STEPS / all);
  }

  private void draw(int done, int failed) {
    long now = System.nanoTime();
    if (now - drawn < REDRAW_NANOS && done < all) {
      return;
    }
    drawn = now;
    int filled = all == 0 ? BAR : (int) ((long) done * BAR / all);
    double rate = (done - first) / Math.max((now - start) / 1e9, 1e-3);
    String left =
        done == all || rate == 0
            ? ""
            : ", " + Shown.duration(Duration.ofSeconds((long) ((all - done) / rate))) + " left";
    err.print(
        "\r[%s%s] %d of %d, %d failed, %.1f/s%s\u001b[K%s"
            .formatted(
                "#".repeat(filled),
                " ".repeat(BAR - filled),
                done,
                all,
                failed,
                rate,
                left,
                done == all ? "\n" : ""));
    err.flush();
  }
}
