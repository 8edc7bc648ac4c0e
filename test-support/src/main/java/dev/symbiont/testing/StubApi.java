package dev.symbiont.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A stand-in for the model API, on a loopback port of its own, for the real Claude CLI to call.
///
/// It answers every known model, counts tokens by bytes, and keeps each request for the test to
/// look at. Of credentials it keeps only which kind was sent. It is told to fail through
/// [#fail(Fault)] and [#fail(String, Fault)], and does so until told otherwise.
public final class StubApi implements AutoCloseable {

  private static final int BYTES_PER_TOKEN = 4;
  private static final int OK = 200;
  private static final int BAD_REQUEST = 400;
  private static final int NOT_FOUND = 404;
  private static final int TOO_MANY_REQUESTS = 429;

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicReference<@Nullable Fault> fault = new AtomicReference<>();
  private final Map<String, Fault> faultsByModel = new ConcurrentHashMap<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  /// How the API fails.
  public sealed interface Fault {

    /// An error answer in the API's own shape.
    record Status(int code) implements Fault {}

    /// The prompt has more tokens than the model takes.
    record TooLong() implements Fault {}

    /// The subscription is used up until then; only a login token has one.
    record UsedUp(Instant until) implements Fault {}

    /// The connection ends before any answer.
    record Drop() implements Fault {}

    /// The connection ends in the middle of the answer.
    record Break() implements Fault {}

    /// An answer that no API gives.
    record Garbage() implements Fault {}

    /// The model answers in prose though it was given a schema.
    record Prose() implements Fault {}

    /// The model's structured answer breaks the schema.
    record WrongShape() implements Fault {}
  }

  /// A request for an answer.
  ///
  /// @param at when it came
  /// @param login `key`, `token` or `none`
  /// @param text the body as it came
  public record Request(Instant at, String model, String login, JsonNode body, String text) {

    public int bytes() {
      return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /// The last thing the user said.
    public String prompt() {
      JsonNode content =
          body.path("messages").path(body.path("messages").size() - 1).get("content");
      return content.isString()
          ? content.stringValue()
          : content.path(content.size() - 1).path("text").asString("");
    }
  }

  private StubApi(HttpServer server) {
    this.server = server;
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  public static StubApi start() {
    try {
      var loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      return new StubApi(HttpServer.create(loopback, 0));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /// What every model does from now on.
  public void fail(Fault how) {
    fault.set(how);
  }

  /// What the models do whose full name contains `model`.
  public void fail(String model, Fault how) {
    faultsByModel.put(model, how);
  }

  /// Answers again, and forgets what it was asked.
  public void reset() {
    fault.set(null);
    faultsByModel.clear();
    requests.clear();
  }

  public List<Request> requests() {
    return List.copyOf(requests);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      String path = exchange.getRequestURI().getPath();
      if (path.equals("/v1/messages")) {
        answer(exchange, body);
      } else if (path.equals("/")) {
        send(exchange, OK, "application/json", "{}");
      } else {
        send(exchange, NOT_FOUND, "application/json", error(NOT_FOUND, path));
      }
    }
  }

  private void answer(HttpExchange exchange, byte[] bytes) throws IOException {
    JsonNode body = Codec.mapper().readTree(bytes);
    String model = body.path("model").asString("");
    String text = new String(bytes, StandardCharsets.UTF_8);
    var request = new Request(Instant.now(), model, login(exchange), body, text);
    requests.add(request);
    switch (faultFor(model)) {
      case null -> send(exchange, request, StubAnswer.to(body, bytes.length / BYTES_PER_TOKEN));
      case Fault.Status(int code) -> {
        if (code == TOO_MANY_REQUESTS) {
          exchange.getResponseHeaders().set("retry-after", "60");
          exchange.getResponseHeaders().set("anthropic-ratelimit-requests-remaining", "0");
        }
        send(exchange, code, "application/json", error(code, message(code)));
      }
      case Fault.TooLong _ -> {
        String message = "prompt is too long: 250000 tokens > 200000 maximum";
        send(exchange, BAD_REQUEST, "application/json", error(BAD_REQUEST, message));
      }
      case Fault.UsedUp(Instant until) -> {
        usedUp(until).forEach(exchange.getResponseHeaders()::set);
        String message = "This request would exceed your account's rate limit.";
        send(exchange, TOO_MANY_REQUESTS, "application/json", error(TOO_MANY_REQUESTS, message));
      }
      // Closing an exchange that was not answered closes its connection.
      case Fault.Drop _ -> {}
      case Fault.Break _ -> breakOff(exchange, StubAnswer.to(body, 1));
      case Fault.Garbage _ -> send(exchange, OK, "text/html", "<html>");
      case Fault.Prose _ -> send(exchange, request, StubAnswer.inProse(body, 1));
      case Fault.WrongShape _ -> send(exchange, request, StubAnswer.inWrongShape(body, 1));
    }
  }

  private @Nullable Fault faultFor(String model) {
    if (!model.matches("claude-(haiku|sonnet|opus)-.*")) {
      return new Fault.Status(NOT_FOUND);
    }
    Fault told =
        faultsByModel.entrySet().stream()
            .filter(it -> model.contains(it.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElseGet(fault::get);
    return told instanceof Fault.UsedUp(Instant until) && !Instant.now().isBefore(until)
        ? null
        : told;
  }

  private static String login(HttpExchange exchange) {
    if (exchange.getRequestHeaders().containsKey("x-api-key")) {
      return "key";
    }
    return exchange.getRequestHeaders().containsKey("authorization") ? "token" : "none";
  }

  private static void send(HttpExchange exchange, Request request, StubAnswer answer)
      throws IOException {
    if (request.body().path("stream").asBoolean(false)) {
      send(exchange, OK, "text/event-stream; charset=utf-8", answer.events());
    } else {
      send(exchange, OK, "application/json", answer.message());
    }
  }

  private static void send(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("content-type", type);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  /// Promises more than it sends, so that the end of the connection is no end of the answer.
  private static void breakOff(HttpExchange exchange, StubAnswer answer) throws IOException {
    byte[] bytes = answer.events().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("content-type", "text/event-stream; charset=utf-8");
    exchange.sendResponseHeaders(OK, bytes.length);
    exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
    exchange.getResponseBody().flush();
  }

  private static Map<String, String> usedUp(Instant until) {
    String reset = Long.toString(until.getEpochSecond());
    long left = Math.max(1, Duration.between(Instant.now(), until).toSeconds());
    String prefix = "anthropic-ratelimit-unified-";
    return Map.of(
        "retry-after",
        Long.toString(left),
        prefix + "status",
        "rejected",
        prefix + "reset",
        reset,
        prefix + "representative-claim",
        "five_hour",
        prefix + "5h-status",
        "rejected",
        prefix + "5h-reset",
        reset,
        prefix + "5h-utilization",
        "1.0",
        prefix + "overage-status",
        "rejected",
        prefix + "overage-disabled-reason",
        "org_level_disabled");
  }

  private static String error(int status, String message) {
    String type =
        switch (status) {
          case 400 -> "invalid_request_error";
          case 401 -> "authentication_error";
          case 403 -> "permission_error";
          case 404 -> "not_found_error";
          case 413 -> "request_too_large";
          case 429 -> "rate_limit_error";
          case 529 -> "overloaded_error";
          default -> "api_error";
        };
    var json = Codec.mapper().createObjectNode().put("type", "error");
    json.putObject("error").put("type", type).put("message", message);
    return json.put("request_id", "req_stub").toString();
  }

  /// The words matter where the CLI knows them.
  private static String message(int status) {
    return status == 401 ? "invalid x-api-key" : "the stub answers " + status;
  }
}
