package dev.symbiont.dispatcher.process;

/// How a program ended.
///
/// @param code its exit code; 128 + n when signal n ended it
/// @param stopped whether we ended it, and why
/// @param stderr the end of what it wrote there
public record Exit(int code, Stop stopped, String stderr) {

  /// Whether we ended it.
  public enum Stop {
    NOT_STOPPED,
    TIMED_OUT,
    INTERRUPTED
  }
}
