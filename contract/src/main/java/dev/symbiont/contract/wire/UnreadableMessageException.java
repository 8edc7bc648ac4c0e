package dev.symbiont.contract.wire;

import org.jspecify.annotations.Nullable;

/// A message that is not what it should be. The message text is fit to be shown to its author.
public final class UnreadableMessageException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final @Nullable String field;

  UnreadableMessageException(@Nullable String field, String reason) {
    super(reason);
    this.field = field;
  }

  /// The offending field, where it is known.
  public @Nullable String field() {
    return field;
  }
}
