package dev.symbiont.ops;

import java.io.PrintWriter;
import java.time.Duration;

/// How far something has come: a bar on a terminal, a line for each twentieth elsewhere.
final class Progress {

  private static final int BAR = 30;
  private static final int SHORTEST_BAR = 5;
  private static final int STEPS = 20;
  private static final long REDRAW_NANOS = Duration.ofMillis(100).toNanos();

  private final PrintWriter err;
  private final Terminal terminal;
  private final int all;
  private final long start = System.nanoTime();
  private long drawn = start - REDRAW_NANOS;
  private int first = -1;
  private int told = -1;

  Progress(PrintWriter err, Terminal terminal, int all) {
    this.err = err;
    this.terminal = terminal;
    this.all = all;
  }

  void at(int done, int failed) {
    if (first < 0) {
      first = done;
      told = step(done);
    }
    if (terminal.err()) {
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
    double rate = (done - first) / Math.max((now - start) / 1e9, 1e-3);
    String left =
        done == all || rate == 0
            ? ""
            : ", " + Shown.duration(Duration.ofSeconds((long) ((all - done) / rate))) + " left";
    String text = "%d of %d, %d failed, %.1f/s%s".formatted(done, all, failed, rate, left);
    err.print(
        "\r%s\u001b[K%s"
            .formatted(fitted(bar(done, text.length()) + text), done == all ? "\n" : ""));
    err.flush();
  }

  /// As wide as there is room for beside the text, and none where that would be next to nothing.
  private String bar(int done, int text) {
    int room = terminal.columns() == 0 ? BAR : terminal.columns() - text - "[] ".length() - 1;
    int width = Math.min(BAR, room);
    if (width < SHORTEST_BAR) {
      return "";
    }
    int filled = all == 0 ? width : (int) ((long) done * width / all);
    return "[%s%s] ".formatted("#".repeat(filled), " ".repeat(width - filled));
  }

  /// A line that ran over could not be drawn over.
  private String fitted(String text) {
    int most = terminal.columns() == 0 ? text.length() : Math.max(terminal.columns() - 1, 1);
    return text.substring(0, Math.min(most, text.length()));
  }
}
