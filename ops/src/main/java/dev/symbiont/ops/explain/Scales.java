package dev.symbiont.ops.explain;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// Stands in for the model's API on loopback: weighs the request of a call and refuses it, so that
/// nothing is asked and nothing is paid.
final class Scales implements AutoCloseable {

  private static final byte[] REFUSAL =
      """
      {"type": "error", "error": {"type": "invalid_request_error", "message": "only weighed"}}
      """
          .getBytes(StandardCharsets.UTF_8);
  private static final int BAD_REQUEST = 400;

  private final HttpServer server;
  private final AtomicReference<@Nullable Weight> heaviest = new AtomicReference<>();

  /// What a request has, in bytes of JSON.
  record Weight(int total, int system, int messages, int tools) {

    static Weight of(byte[] body) {
      JsonNode request = Codec.mapper().readTree(body);
      return new Weight(
          body.length,
          bytes(request, "system"),
          bytes(request, "messages"),
          bytes(request, "tools"));
    }

    private static int bytes(JsonNode request, String field) {
      JsonNode part = request.get(field);
      return part == null ? 0 : Codec.mapper().writeValueAsBytes(part).length;
    }
  }

  Scales() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::weigh);
    server.start();
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /// The heaviest request so far; a program may have made several.
  Optional<Weight> heaviest() {
    return Optional.ofNullable(heaviest.get());
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void weigh(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      try {
        Weight weight = Weight.of(body);
        heaviest.accumulateAndGet(
            weight, (old, now) -> old != null && old.total() > weight.total() ? old : now);
      } catch (JacksonException e) {
        // Not a question to a model: the program looks whether anybody is there.
      }
      exchange.getResponseHeaders().add("Content-Type", "application/json");
      if (exchange.getRequestMethod().equals("HEAD")) {
        exchange.sendResponseHeaders(BAD_REQUEST, -1);
        return;
      }
      exchange.sendResponseHeaders(BAD_REQUEST, REFUSAL.length);
      exchange.getResponseBody().write(REFUSAL);
    }
  }
}
