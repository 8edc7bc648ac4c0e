package dev.symbiont.contract;

/// A message breaks a rule of the contract; names the field, so that its author can mend it.
public final class InvalidFieldException extends IllegalArgumentException {

  private static final long serialVersionUID = 1;

  private final String field;

  public InvalidFieldException(String field, String problem) {
    super(field + ": " + problem);
    this.field = field;
  }

  public String field() {
    return field;
  }
}
