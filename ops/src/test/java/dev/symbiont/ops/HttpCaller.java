package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import tools.jackson.databind.JsonNode;

/// A caller of the gateway who sees headers and who gives up, unlike the command line's own.
record HttpCaller(HttpClient http, String address) implements AutoCloseable {

  /// What came back, and how long it took.
  record Answer(HttpResponse<byte[]> response, Duration took) {

    int status() {
      return response.statusCode();
    }

    JsonNode body() {
      return Codec.mapper().readTree(response.body());
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }
  }

  static HttpCaller to(int port) {
    var http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    return new HttpCaller(http, "http://127.0.0.1:" + port);
  }

  /// @param headers names and values
  Answer get(String path, Duration patience, String... headers) {
    return send(request(path, patience, headers));
  }

  /// @param headers names and values
  Answer post(String path, byte[] body, Duration patience, String... headers) {
    return send(
        request(path, patience, headers)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
  }

  /// @param headers names and values
  Answer delete(String path, Duration patience, String... headers) {
    return send(request(path, patience, headers).DELETE());
  }

  @Override
  public void close() {
    http.shutdownNow();
    http.close();
  }

  private HttpRequest.Builder request(String path, Duration patience, String... headers) {
    var request = HttpRequest.newBuilder(URI.create(address + path)).timeout(patience);
    return headers.length == 0 ? request : request.headers(headers);
  }

  private Answer send(HttpRequest.Builder request) {
    long start = System.nanoTime();
    try {
      var response = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(response, Duration.ofNanos(System.nanoTime() - start));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
