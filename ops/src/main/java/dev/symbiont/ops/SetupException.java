package dev.symbiont.ops;

/// Something around us is not as it must be. The message says what, and what to do.
final class SetupException extends RuntimeException {

  private static final long serialVersionUID = 1;

  SetupException(String message) {
    super(message);
  }
}
