package dev.symbiont.ops;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.Terminal.SignalHandler;
import org.jline.terminal.TerminalBuilder;
import org.jline.terminal.TerminalBuilder.SystemOutput;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.NonBlockingReader;

/// The whole terminal, from when it is opened until it is closed or the process ends, however it
/// does but by `kill -9`. Then it is as it was.
final class Screen implements AutoCloseable {

  /// The alternate screen, no cursor, and nothing goes on in the next line: a terminal may take
  /// some characters for wider than we do.
  private static final String ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";

  private static final String LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
  private static final String CLEAR = "\u001b[2J";
  private static final Size USUAL = Size.of(80, 24);
  private static final long PATIENCE_MILLIS = 10_000;

  private final org.jline.terminal.Terminal terminal;
  private final NonBlockingReader keys;
  private final Thread atExit = new Thread(this::close);
  private List<String> shown = List.of();
  private Size size = USUAL;
  private boolean closed;

  private Screen(org.jline.terminal.Terminal terminal) {
    this.terminal = terminal;
    this.keys = terminal.reader();
  }

  /// @param resized is told by another thread, as is `interrupted`
  static Screen open(Runnable resized, Runnable interrupted) {
    try {
      var terminal =
          TerminalBuilder.builder()
              .systemOutput(SystemOutput.SysOut)
              .provider(TerminalBuilder.PROP_PROVIDER_FFM)
              .dumb(false)
              .graphemeCluster(false) // to ask the terminal about it takes its time
              .nativeSignals(true)
              .signalHandler(SignalHandler.SIG_IGN)
              .build();
      if (terminal.getStringCapability(Capability.cursor_address) == null) {
        throw new SetupException(
            "TERM=%s has no cursor to move; try ./symbiont top --once"
                .formatted(terminal.getType()));
      }
      var screen = new Screen(terminal);
      screen.enter(resized, interrupted);
      return screen;
    } catch (IOException | IllegalStateException e) {
      throw new SetupException("this terminal cannot be used: " + e.getMessage());
    }
  }

  private void enter(Runnable resized, Runnable interrupted) {
    Runtime.getRuntime().addShutdownHook(atExit);
    terminal.handle(Signal.WINCH, _ -> resized.run());
    terminal.handle(Signal.INT, _ -> interrupted.run());
    terminal.enterRawMode();
    write(ENTER);
  }

  /// As it is now.
  Size size() {
    Size now = terminal.getSize();
    return now.getRows() > 0 && now.getColumns() > 0 ? now : USUAL;
  }

  /// Waits for the next key; negative if there are no more.
  int key() {
    try {
      int key = NonBlockingReader.READ_EXPIRED;
      while (key == NonBlockingReader.READ_EXPIRED) {
        // Whoever reads without a bound keeps the terminal from being closed.
        key = keys.read(PATIENCE_MILLIS);
      }
      return key;
    } catch (IOException e) {
      return NonBlockingReader.EOF;
    }
  }

  /// Shows these lines and nothing else. Only what has changed is written, at once, so that nothing
  /// flickers.
  synchronized void draw(List<String> lines, Size within) {
    if (closed) {
      return;
    }
    var changes = new StringBuilder();
    if (!within.equals(size)) {
      size = within;
      shown = List.of();
    }
    if (shown.isEmpty()) {
      changes.append(CLEAR);
    }
    for (int i = 0; i < Math.max(lines.size(), shown.size()); i++) {
      String line = i < lines.size() ? lines.get(i) : "";
      if (i >= shown.size() || !line.equals(shown.get(i))) {
        changes.append("\u001b[%d;1H\u001b[K%s".formatted(i + 1, line));
      }
    }
    shown = List.copyOf(lines);
    if (!changes.isEmpty()) {
      write(changes.toString());
    }
  }

  /// Draws everything anew the next time.
  synchronized void forget() {
    shown = List.of();
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    write(LEAVE);
    try {
      terminal.close();
    } catch (IOException e) {
      throw new SetupException("the terminal may need a 'reset': " + e.getMessage());
    }
    if (!Thread.currentThread().equals(atExit)) {
      leaveAlone();
    }
  }

  private void leaveAlone() {
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The process is about to end, and the hook finds nothing to do.
    }
  }

  /// Not by the terminal's own writer: that may be closed already when the process ends.
  private static void write(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    System.out.write(bytes, 0, bytes.length);
    System.out.flush();
  }
}
