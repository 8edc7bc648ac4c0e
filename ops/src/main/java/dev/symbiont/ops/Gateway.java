package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
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

  /// Longer than the pause between the signs of life in a stream.
  private static final Duration SILENCE = Duration.ofSeconds(30);

  private static final int FIRST_ERROR = 400;
  static final int TOO_MANY = 429;

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

    /// Whether the same question may be answered otherwise later.
    boolean isNotNow() {
      return status == TOO_MANY || status >= HttpURLConnection.HTTP_INTERNAL_ERROR;
    }

    String detail() {
      return body.path("detail").asString("" + body);
    }

    boolean wantsKey() {
      return status == HttpURLConnection.HTTP_UNAUTHORIZED
          || status == HttpURLConnection.HTTP_FORBIDDEN;
    }

    /// The answer, if it is one; else what the gateway says is wrong.
    JsonNode orFail() {
      if (isError()) {
        throw new SetupException(detail());
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

  /// How far its clock is ahead of ours, to the second; empty if it does not say.
  Optional<Duration> ahead() {
    try {
      HttpURLConnection connection = connect("GET", "/status", QUICK);
      Instant before = Instant.now();
      connection.getResponseCode();
      Instant ours = before.plus(Duration.between(before, Instant.now()).dividedBy(2));
      long date = connection.getDate();
      return date == 0
          ? Optional.empty()
          : Optional.of(Duration.between(ours, Instant.ofEpochMilli(date)).plusMillis(500));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /// Asks it to answer when the task has ended, or after that time with how it stands then.
  Answer await(String id, Duration wait) {
    return send(
        "GET",
        Query.task(id),
        null,
        wait.plus(QUICK),
        Map.of("Prefer", "wait=" + wait.toSeconds()));
  }

  Answer delete(String path) {
    return send("DELETE", path, null, QUICK);
  }

  /// Waits as long as the gateway does.
  Answer post(String path, JsonNode body) {
    return send("POST", path, body, Duration.ZERO);
  }

  /// Server-sent events, until the gateway ends them.
  ///
  /// @param refusal what the gateway says instead
  record Events(BufferedReader lines, @Nullable String refusal) {}

  /// What happens from now on, or after an event.
  ///
  /// @param last the id of that event; empty if there is none
  Events events(String path, String last) {
    try {
      HttpURLConnection connection = connect("GET", path, SILENCE);
      connection.setRequestProperty("Last-Event-ID", last);
      if (connection.getResponseCode() >= FIRST_ERROR) {
        JsonNode problem = read(connection, connection.getResponseCode());
        return new Events(
            new BufferedReader(Reader.nullReader()), problem.path("detail").asString("" + problem));
      }
      var text = new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8);
      return new Events(new BufferedReader(text), null);
    } catch (IOException | JacksonException e) {
      throw silent("GET", path, e);
    }
  }

  private HttpURLConnection connect(String method, String path, Duration patience)
      throws IOException {
    var connection = (HttpURLConnection) URI.create(address + path).toURL().openConnection();
    connection.setRequestMethod(method);
    connection.setConnectTimeout((int) CONNECT.toMillis());
    connection.setReadTimeout((int) patience.toMillis());
    key.ifPresent(it -> connection.setRequestProperty("Authorization", "Bearer " + it));
    return connection;
  }

  private SetupException silent(String method, String path, Exception e) {
    if (e instanceof ConnectException) {
      return new SetupException(
          "no gateway at %s; start the fleet with ./symbiont up, or set SYMBIONT_PORT"
              .formatted(address));
    }
    return new SetupException(
        "the gateway at %s did not answer %s %s: %s"
            .formatted(address, method, path, e.getMessage()));
  }

  private Answer send(String method, String path, @Nullable JsonNode body, Duration patience) {
    return send(method, path, body, patience, Map.of());
  }

  private Answer send(
      String method,
      String path,
      @Nullable JsonNode body,
      Duration patience,
      Map<String, String> headers) {
    try {
      HttpURLConnection connection = connect(method, path, patience);
      headers.forEach(connection::setRequestProperty);
      if (body != null) {
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "application/json");
        connection.getOutputStream().write(Codec.mapper().writeValueAsBytes(body));
      }
      int status = connection.getResponseCode();
      return new Answer(status, read(connection, status));
    } catch (IOException | JacksonException e) {
      throw silent(method, path, e);
    }
  }

  private static JsonNode read(HttpURLConnection connection, int status) throws IOException {
    try (InputStream in =
        status >= FIRST_ERROR ? connection.getErrorStream() : connection.getInputStream()) {
      return JsonTree.read(in == null ? new byte[0] : in.readAllBytes());
    }
  }
}
