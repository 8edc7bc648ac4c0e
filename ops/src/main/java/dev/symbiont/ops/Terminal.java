package dev.symbiont.ops;

import java.util.Map;
import java.util.Set;

/// What is at the other end of stdin, stdout and stderr. The launcher looks, because Java can tell
/// only whether stdin and stdout are both terminals.
///
/// @param columns how wide it is; 0 if nobody knows
/// @param colours whether what is printed to stdout may have some
record Terminal(boolean in, boolean out, boolean err, int columns, boolean colours) {

  /// As files and pipes are: no colours, and as wide as it takes.
  static final Terminal NONE = new Terminal(false, false, false, 0, false);

  private static final Map<String, Integer> COLOURS =
      Map.ofEntries(
          Map.entry("succeeded", 32),
          Map.entry("answered", 32),
          Map.entry("open", 32),
          Map.entry("healthy", 32),
          Map.entry("ok", 32),
          Map.entry("running", 36),
          Map.entry("waiting", 33),
          Map.entry("limited", 33),
          Map.entry("probing", 33),
          Map.entry("paused", 33),
          Map.entry("unauthenticated", 31),
          Map.entry("WARN", 33),
          Map.entry("failed", 31),
          Map.entry("set_aside", 31),
          Map.entry("expired", 31),
          Map.entry("cancelled", 33),
          Map.entry("FAIL", 31));

  static Terminal current() {
    return of(
        System.getProperty("symbiont.terminal", ""),
        Integer.getInteger("symbiont.columns", 0),
        System.getenv());
  }

  /// @param which of in, out and err are terminals, with spaces between them
  static Terminal of(String which, int columns, Map<String, String> environment) {
    Set<String> terminals = Set.of(which.strip().split(" +", -1));
    boolean out = terminals.contains("out");
    return new Terminal(
        terminals.contains("in"),
        out,
        terminals.contains("err"),
        columns,
        out
            && environment.getOrDefault("NO_COLOR", "").isEmpty()
            && !"dumb".equals(environment.get("TERM")));
  }

  /// The same, but so wide.
  Terminal wide(int columns) {
    return new Terminal(in, out, err, columns, colours);
  }

  String bold(String text) {
    return colours ? "\u001b[1m%s\u001b[0m".formatted(text) : text;
  }

  /// The text in the colour of a word, if that has one.
  String painted(String word, String text) {
    Integer colour = COLOURS.get(word);
    return colours && colour != null ? "\u001b[%dm%s\u001b[0m".formatted(colour, text) : text;
  }
}
