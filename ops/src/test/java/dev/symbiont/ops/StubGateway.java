package dev.symbiont.ops;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/// Answers every question with the same text, and the time with one of its own. The JDK's server
/// would insist on the right one.
final class StubGateway implements AutoCloseable {

  private final ServerSocket socket;

  private StubGateway(ServerSocket socket) {
    this.socket = socket;
  }

  static StubGateway start(Instant date, String body) {
    try {
      var stub = new StubGateway(new ServerSocket(0, 10, InetAddress.getLoopbackAddress()));
      Thread.ofPlatform().daemon().start(() -> stub.answer(date, body));
      return stub;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int port() {
    return socket.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  private void answer(Instant date, String body) {
    String answer =
        "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            .formatted(
                DateTimeFormatter.RFC_1123_DATE_TIME.format(date.atOffset(ZoneOffset.UTC)),
                body.length(),
                body);
    while (!socket.isClosed()) {
      try (Socket caller = socket.accept();
          var in =
              new BufferedReader(
                  new InputStreamReader(caller.getInputStream(), StandardCharsets.US_ASCII))) {
        String line = in.readLine();
        while (line != null && !line.isEmpty()) {
          line = in.readLine();
        }
        caller.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
      } catch (IOException e) {
        // Closed, or a caller who only looked whether somebody listens.
      }
    }
  }
}
