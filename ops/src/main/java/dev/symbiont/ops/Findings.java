package dev.symbiont.ops;

import java.io.PrintWriter;
import java.util.Set;

/// What an examination has found so far; each line is printed as soon as it is known.
final class Findings {

  private final PrintWriter out;
  private final Terminal terminal;
  private final Set<String> skipped;
  private boolean failed;

  /// @param skipped checks that are not to be made
  Findings(PrintWriter out, Terminal terminal, Set<String> skipped) {
    this.out = out;
    this.terminal = terminal;
    this.skipped = skipped;
  }

  /// Whether a check is to be made.
  boolean wants(String check) {
    return !skipped.contains(check);
  }

  boolean hasFailed() {
    return failed;
  }

  void ok(String check, String what) {
    say("ok", check, what);
  }

  /// It works, or something looks odd.
  void warn(String check, String whatAndWhatToDo) {
    say("WARN", check, whatAndWhatToDo);
  }

  /// It does not work.
  void fail(String check, String whatAndWhatToDo) {
    failed |= wants(check);
    say("FAIL", check, whatAndWhatToDo);
  }

  /// It cannot be seen from here.
  void unknown(String check, String why) {
    say("-", check, why);
  }

  private void say(String verdict, String check, String what) {
    if (wants(check)) {
      out.println(
          "%s  %-13s  %s"
              .formatted(
                  terminal.painted(verdict, "%-4s".formatted(verdict)), check, Shown.line(what)));
    }
  }
}
