package dev.symbiont.ops;

/// Something around us is not as it must be. The message says what, and what to do.
public final class SetupException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public SetupException(String message) {
    super(message);
  }
}
