package dev.symbiont.dispatcher.provider;

import dev.symbiont.contract.JsonBounds;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.wire.Codec;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Keeps answers within what a message may carry.
public final class AnswerText {

  private static final int MOST_ESCAPED_PER_CHAR = 6;
  private static final long MOST_ESCAPED = Result.MAX_BYTES * 3L / 2;
  private static final int LONGEST_FAILURE = 2_000;

  private AnswerText() {}

  /// An answer, cut to [Result#MAX_BYTES] if it is longer. Structured output that is too long or
  /// too deep is left out.
  public static Outcome.Answered answered(String text, @Nullable JsonNode structured) {
    boolean fits =
        structured == null
            || (JsonBounds.problem(structured).isEmpty()
                && Codec.mapper().writeValueAsBytes(structured).length <= Result.MAX_BYTES);
    String cut = cut(text);
    return new Outcome.Answered(
        cut, fits ? structured : null, cut.length() < text.length() || !fits);
  }

  /// What a program says of a failure, cut to what a message can carry several times over.
  public static String failure(String text) {
    return text.length() <= LONGEST_FAILURE
        ? text
        : withoutHalf(text, LONGEST_FAILURE) + "… (%d characters)".formatted(text.length());
  }

  /// At most so many bytes of UTF-8, and not much more when JSON escapes them.
  private static String cut(String text) {
    if (text.length() * MOST_ESCAPED_PER_CHAR <= Result.MAX_BYTES) {
      return text;
    }
    long bytes = 0;
    long escaped = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      // A surrogate pair has four bytes.
      int length = c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
      bytes += length;
      escaped += escapes(c, length);
      if (bytes > Result.MAX_BYTES || escaped > MOST_ESCAPED) {
        return withoutHalf(text, i);
      }
    }
    return text;
  }

  private static int escapes(char c, int length) {
    return switch (c) {
      case '"', '\\', '\b', '\f', '\n', '\r', '\t' -> 2;
      default -> c < ' ' ? MOST_ESCAPED_PER_CHAR : length;
    };
  }

  private static String withoutHalf(String text, int end) {
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end);
  }
}
