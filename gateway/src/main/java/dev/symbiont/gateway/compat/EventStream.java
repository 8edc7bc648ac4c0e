package dev.symbiont.gateway.compat;

import dev.symbiont.contract.wire.Codec;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;

/// Server-sent events, each on its way at once.
final class EventStream {

  private final OutputStream out;

  EventStream(HttpServletResponse response) throws IOException {
    response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
    response.setCharacterEncoding(StandardCharsets.UTF_8.name());
    response.setHeader("Cache-Control", "no-store");
    this.out = response.getOutputStream();
  }

  /// @param name nothing if the format names no events
  void event(@Nullable String name, Object data) {
    String json = new String(Codec.mapper().writeValueAsBytes(data), StandardCharsets.UTF_8);
    write((name == null ? "" : "event: " + name + "\n") + "data: " + json + "\n\n");
  }

  /// An event that is no JSON.
  void text(String data) {
    write("data: " + data + "\n\n");
  }

  /// Says that somebody is still there; also finds out whether the caller is.
  void stillHere() {
    write(": still working\n\n");
  }

  private void write(String text) {
    try {
      out.write(text.getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("the caller has gone", e);
    }
  }
}
