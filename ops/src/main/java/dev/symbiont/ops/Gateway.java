package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// A running gateway, seen from the command line. HttpURLConnection, because it starts faster than
/// the newer client.
///
/// @param key that opens it, if it asks for one
record Gateway(String address, Optional<String> key) {

  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration QUICK = Duration.ofSeconds(10);
  private static final int FIRST_ERROR = 400;

  Gateway(String address) {
    this(address, Optional.empty());
  }

  /// The one of this installation, with the key that the environment names.
  static Gateway of(Installation installation) {
    return new Gateway(installation.gatewayAddress(), installation.key());
  }

  /// What came back.
  record Answer(int status, JsonNode body) {

    boolean isError() {
      return status >= FIRST_ERROR;
    }

    boolean wantsKey() {
      return status == HttpURLConnection.HTTP_UNAUTHORIZED
          || status == HttpURLConnection.HTTP_FORBIDDEN;
    }

    /// The answer, if it is one; else what the gateway says is wrong.
    JsonNode orFail() {
      if (isError()) {
        throw new SetupException(body.path("detail").asString("" + body));
      }
      return body;
    }
  }

  /// Whether a Symbiont gateway answers there.
  boolean answers() {
    try {
      Answer status = send("GET", "/status", null, QUICK);
      return status.body.has("api_uptime_seconds") || status.wantsKey();
    } catch (SetupException e) {
      return false;
    }
  }

  /// Whether it reaches a ledger-writer, as far as it says so without a key. Takes up to a second
  /// to say no.
  boolean hasLedger() {
    Answer status = send("GET", "/status", null, QUICK);
    return status.body.has("queue_size") || status.wantsKey();
  }

  Answer get(String path) {
    return send("GET", path, null, QUICK);
  }

  Answer delete(String path) {
    return send("DELETE", path, null, QUICK);
  }

  /// Waits as long as the gateway does.
  Answer post(String path, JsonNode body) {
    return send("POST", path, body, Duration.ZERO);
  }

  private Answer send(String method, String path, @Nullable JsonNode body, Duration patience) {
    try {
      var connection = (HttpURLConnection) URI.create(address + path).toURL().openConnection();
      connection.setRequestMethod(method);
      connection.setConnectTimeout((int) CONNECT.toMillis());
      connection.setReadTimeout((int) patience.toMillis());
      key.ifPresent(it -> connection.setRequestProperty("Authorization", "Bearer " + it));
      if (body != null) {
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "application/json");
        connection.getOutputStream().write(Codec.mapper().writeValueAsBytes(body));
      }
      int status = connection.getResponseCode();
      return new Answer(status, read(connection, status).orElse(Codec.mapper().nullNode()));
    } catch (ConnectException e) {
      throw new SetupException(
          "no gateway at %s; start the fleet with ./symbiont up, or set SYMBIONT_PORT"
              .formatted(address));
    } catch (IOException | JacksonException e) {
      throw new SetupException(
          "the gateway at %s did not answer %s %s: %s"
              .formatted(address, method, path, e.getMessage()));
    }
  }

  private static Optional<JsonNode> read(HttpURLConnection connection, int status)
      throws IOException {
    try (InputStream in =
        status >= FIRST_ERROR ? connection.getErrorStream() : connection.getInputStream()) {
      byte[] bytes = in == null ? new byte[0] : in.readAllBytes();
      return bytes.length == 0 ? Optional.empty() : Optional.of(Codec.mapper().readTree(bytes));
    }
  }
}
