package dev.symbiont.ops.conformance;

/// The fleet does not do what a rule says. The message says what was expected and what came.
final class BrokenRuleException extends RuntimeException {

  private static final long serialVersionUID = 1;

  BrokenRuleException(String expected, String came) {
    super("expected %s; came %s".formatted(expected, came));
  }
}
