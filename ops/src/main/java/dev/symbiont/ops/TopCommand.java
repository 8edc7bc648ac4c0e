package dev.symbiont.ops;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jline.terminal.Size;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The fleet on the whole terminal, as it is. One thread draws and does what the others tell it:
/// one of them asks the gateway, one reads keys, and signals come on a third.
@Command(
    mixinStandardHelpOptions = true,
    description = {
      "What the fleet does now: health, tiers, queues, spend, workers, and the newest tasks.",
      "Keys: q quits, p pauses and goes on. A gateway that goes away is waited for."
    })
final class TopCommand implements Callable<Integer> {

  private static final int CTRL_L = 12;
  private static final int INTERRUPTED = 130;
  private static final int NOT_YET = -1;

  /// No gateway takes longer, even when no ledger-writer answers it.
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  @Option(
      names = "--interval",
      paramLabel = "SECONDS",
      defaultValue = "1",
      description = "Look so often (default: ${DEFAULT-VALUE}).")
  private int interval;

  @Option(names = "--once", description = "Print one picture and end; needs no terminal.")
  private boolean once;

  @Option(names = "--json", description = "Print what one picture is made of and end.")
  private boolean json;

  @Spec private @Nullable CommandSpec spec;

  private final BlockingQueue<Runnable> events = new LinkedBlockingQueue<>();
  private volatile @Nullable Instant pausedAt;
  private @Nullable Snapshot seen;
  private Frame.@Nullable Trouble trouble;
  private int exitCode = NOT_YET;

  @Override
  public Integer call() throws InterruptedException {
    var line = Objects.requireNonNull(spec).commandLine();
    if (interval < 1) {
      throw new ParameterException(line, "--interval must be 1 or more");
    }
    Gateway gateway = Gateway.of(Installation.current());
    var lookout = new Lookout(gateway, Instant::now);
    Terminal terminal = Terminal.current();
    if (json) {
      line.getOut().println(lookout.look().answers().toPrettyString());
      return 0;
    }
    if (once) {
      Snapshot only = lookout.look();
      new Frame(only, null, false, only.at(), terminal).lines().forEach(line.getOut()::println);
      return 0;
    }
    if (!terminal.in() || !terminal.out()) {
      throw new SetupException(
          "top needs a terminal; without one, try ./symbiont top --once or ./symbiont status --json");
    }
    return watch(lookout, terminal);
  }

  private int watch(Lookout lookout, Terminal terminal) throws InterruptedException {
    try (var screen =
        Screen.open(() -> events.add(() -> {}), () -> events.add(() -> exitCode = INTERRUPTED))) {
      beside("keys", () -> readKeys(screen));
      beside("lookout", () -> look(lookout));
      while (exitCode == NOT_YET) {
        draw(screen, terminal);
        Runnable event = events.poll(1, TimeUnit.SECONDS);
        if (event != null) {
          event.run();
        }
      }
    }
    return exitCode;
  }

  private void draw(Screen screen, Terminal terminal) {
    Instant paused = pausedAt;
    Instant now = paused == null ? Instant.now() : paused;
    Size size = screen.size();
    var frame =
        new Frame(seen, troubleAt(now), paused != null, now, terminal.wide(size.getColumns()));
    screen.draw(frame.lines(size.getRows()), size);
  }

  private Frame.@Nullable Trouble troubleAt(Instant now) {
    if (trouble == null
        && seen != null
        && seen.at().plus(PATIENCE).plusSeconds(interval).isBefore(now)) {
      return new Frame.Trouble(seen.at(), "the gateway takes its time");
    }
    return trouble;
  }

  private void readKeys(Screen screen) {
    for (int key = screen.key(); key >= 0; key = screen.key()) {
      switch (key) {
        case 'q', 'Q' -> events.add(() -> exitCode = 0);
        case 'p', 'P', ' ' -> events.add(this::pauseOrGoOn);
        case CTRL_L -> events.add(screen::forget);
        default -> {
          // Means nothing.
        }
      }
    }
    events.add(() -> exitCode = 0);
  }

  private void pauseOrGoOn() {
    pausedAt = pausedAt == null ? Instant.now() : null;
  }

  private void look(Lookout lookout) {
    while (true) {
      if (pausedAt == null) {
        try {
          Snapshot snapshot = lookout.look();
          events.add(() -> show(snapshot));
        } catch (SetupException e) {
          events.add(() -> miss(String.valueOf(e.getMessage())));
        }
      }
      try {
        TimeUnit.SECONDS.sleep(interval);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void show(Snapshot snapshot) {
    if (pausedAt == null) {
      seen = snapshot;
      trouble = null;
    }
  }

  private void miss(String what) {
    if (pausedAt == null) {
      trouble = new Frame.Trouble(trouble == null ? Instant.now() : trouble.since(), what);
    }
  }

  /// What goes wrong there goes wrong here.
  private void beside(String name, Runnable work) {
    Thread.ofPlatform()
        .daemon()
        .name(name)
        .uncaughtExceptionHandler(
            (_, e) ->
                events.add(
                    () -> {
                      throw new IllegalStateException(name + " failed", e);
                    }))
        .start(work);
  }
}
