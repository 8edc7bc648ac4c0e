package dev.symbiont.contract;

import org.jspecify.annotations.Nullable;

/// A message breaks a rule of the contract; names the field, so that its author can mend it.
public final class InvalidFieldException extends IllegalArgumentException {

  private static final long serialVersionUID = 1;

  private final String field;

  public InvalidFieldException(String field, String problem) {
    super(field + ": " + problem);
    this.field = field;
  }

  /// JSON may leave out any field, whatever its type says; this one must be there.
  static void require(String field, @Nullable Object value) {
    if (value == null) {
      throw new InvalidFieldException(field, "is missing");
    }
  }

  public String field() {
    return field;
  }
}
