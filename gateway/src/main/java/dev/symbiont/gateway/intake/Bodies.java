package dev.symbiont.gateway.intake;

import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.gateway.Problem;
import java.io.IOException;
import java.io.InputStream;
import org.springframework.http.HttpStatus;

/// Bodies of requests: bounded before they are parsed, and refused with the field that is wrong.
public final class Bodies {

  private Bodies() {}

  public static <T> T read(InputStream body, int most, Class<T> type) throws IOException {
    byte[] bytes = body.readNBytes(most + 1);
    if (bytes.length > most) {
      throw Problem.of(HttpStatus.CONTENT_TOO_LARGE, "the body may have %d bytes".formatted(most));
    }
    return parse(bytes, type);
  }

  /// The same of what was read before.
  static <T> T parse(byte[] json, Class<T> type) {
    try {
      return Codec.read(json, type);
    } catch (UnreadableMessageException e) {
      throw Problem.invalid(String.valueOf(e.getMessage()), e.field());
    }
  }
}
