package dev.symbiont.contract;

/// What keeps the calls apart that one program answers.
public enum Isolation implements WireEnum {
  /// Each is a conversation of its own; the process may have answered others before.
  CONVERSATION,

  /// Each has a process of its own, that nobody used before and nobody will use after.
  PROCESS
}
