package dev.symbiont.gateway;

import dev.symbiont.contract.wire.Codec;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;

/// Server-sent events, each on its way at once.
public final class EventStream {

  private final HttpServletResponse response;
  private boolean begun;

  public EventStream(HttpServletResponse response) {
    this.response = response;
  }

  /// Whether anything was sent, the status line included.
  public boolean hasBegun() {
    return begun;
  }

  /// Sends one.
  ///
  /// @param name nothing if the format names no events
  public void event(@Nullable String name, Object data) {
    write(name == null ? line(data) : "event: " + name + "\n" + line(data));
  }

  /// Sends one after which the caller can go on with another connection.
  ///
  /// @param id what comes back as `Last-Event-ID`
  public void event(long id, String name, Object data) {
    write("id: " + id + "\nevent: " + name + "\n" + line(data));
  }

  private static String line(Object data) {
    return "data: " + new String(Codec.encode(data), StandardCharsets.UTF_8) + "\n\n";
  }

  /// An event that is no JSON.
  public void text(String data) {
    write("data: " + data + "\n\n");
  }

  /// Says that somebody is still there; also finds out whether the caller is.
  public void stillHere() {
    write(": still working\n\n");
  }

  /// The same, and from where the caller can go on who has seen no event yet.
  public void stillHere(long id) {
    write(": still working\nid: " + id + "\n\n");
  }

  private void write(String text) {
    try {
      if (!begun) {
        response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
        response.setCharacterEncoding(StandardCharsets.UTF_8.name());
        response.setHeader("Cache-Control", "no-store");
        begun = true;
      }
      OutputStream out = response.getOutputStream();
      out.write(text.getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("the caller has gone", e);
    }
  }
}
