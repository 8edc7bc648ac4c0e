package dev.symbiont.dispatcher.provider;

import dev.symbiont.contract.JsonBounds;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Result;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Keeps answers within what a message may carry.
public final class AnswerText {

  private AnswerText() {}

  /// An answer, cut to [Result#MAX_BYTES] if it is longer. Structured output that is too long or
  /// too deep is left out.
  public static Outcome.Answered answered(String text, @Nullable JsonNode structured) {
    boolean fits =
        structured == null
            || (JsonBounds.problem(structured).isEmpty()
                && structured.toString().length() * 3L <= Result.MAX_BYTES);
    String cut = cut(text);
    return new Outcome.Answered(
        cut, fits ? structured : null, cut.length() < text.length() || !fits);
  }

  /// At most so many bytes of UTF-8, without half a character at the end.
  private static String cut(String text) {
    if (text.length() * 3L <= Result.MAX_BYTES) {
      return text;
    }
    var encoder = StandardCharsets.UTF_8.newEncoder();
    var chars = CharBuffer.wrap(text);
    encoder.encode(chars, ByteBuffer.allocate(Result.MAX_BYTES), true);
    return text.substring(0, chars.position());
  }
}
