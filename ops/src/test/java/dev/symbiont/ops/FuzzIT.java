package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Requests made from docs/openapi.yaml, and then spoilt: whatever comes, the answer is one that
/// the document names, and comes soon.
class FuzzIT {

  private static final int REQUESTS = Integer.getInteger("symbiont.test.fuzz", 1_000);
  private static final long SEED = Long.getLong("symbiont.test.seed", 1);
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String SETTINGS =
      """
      {"symbiont": {
        "tiers": [{"name": "haiku", "adapter": "exec", "command": ["/bin/echo", "{\\"result\\": \\"ok\\"}"],
          "concurrency": 8, "rate": {"calls": 100000, "period": "1m"}}],
        "gateway": {"patience": "2s"},
        "router": {"default-tier": "haiku"}}}
      """;
  private static final List<String> TEXTS =
      List.of(
          "",
          "x",
          "haiku",
          "null",
          "0",
          "-1",
          "1e9",
          "🦠",
          "\u0000",
          "\u2028",
          "a\nb",
          "../..",
          "%",
          "'; DROP TABLE task; --",
          "{{7*7}}",
          "x".repeat(3_000),
          "2026-01-01",
          "team=red",
          "task-1",
          "true");

  @TempDir private Path folder;
  private final Random random = new Random(SEED);
  private final HttpClient http = HttpClient.newHttpClient();

  private record Operation(
      String method, String path, JsonNode parameters, JsonNode body, JsonNode responses) {}

  @Test
  void everyAnswerIsOneThatTheDocumentNames() throws Exception {
    try (var fleet = new FleetProcesses(folder, Map.of("SPRING_APPLICATION_JSON", SETTINGS))) {
      fleet.start("ledger").awaitOutput("ledger is up");
      fleet.start("router").awaitOutput("router is up");
      fleet.start("dispatcher").awaitOutput("dispatcher is up");
      fleet.start("gateway").awaitOutput("gateway is up");
      await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> fleet.gateway().hasLedger());
      JsonNode document = fleet.gateway().get("/openapi.json").body();
      List<Operation> operations = operations(document);
      var seen = new TreeMap<String, Integer>();

      for (int i = 0; i < REQUESTS; i++) {
        Operation operation = operations.get(random.nextInt(operations.size()));
        HttpRequest request = request(document, fleet.gateway().address(), operation);
        Answer answer = send(request);
        String shown =
            "seed %d, request %d: %s %s -> %d %s"
                .formatted(
                    SEED, i, request.method(), request.uri(), answer.statusCode(), answer.body());
        assertThat(isNamed(operation, answer.statusCode())).as(shown).isTrue();
        assertThat(answer.statusCode()).as(shown).isNotEqualTo(500);
        if (answer.statusCode() >= 400) {
          assertThat(Codec.mapper().readTree(answer.body()).isObject()).as(shown).isTrue();
        }
        seen.merge(
            "%s %s %d".formatted(operation.method, operation.path, answer.statusCode()),
            1,
            Integer::sum);
      }

      System.out.println("seed " + SEED + ": " + seen);
      assertThat(fleet.gateway().get("/status").body().path("status").asString())
          .isEqualTo("healthy");
    }
  }

  private record Answer(int statusCode, String body) {}

  /// The events of a task that does not end go on for ever; that they come is enough.
  private Answer send(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<InputStream> answer =
        http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = answer.body()) {
      boolean isStream =
          answer
              .headers()
              .firstValue("Content-Type")
              .filter(it -> it.startsWith("text/event-stream") && request.method().equals("GET"))
              .isPresent();
      String text = isStream ? "" : new String(body.readAllBytes(), StandardCharsets.UTF_8);
      return new Answer(answer.statusCode(), text);
    }
  }

  private static boolean isNamed(Operation operation, int status) {
    return operation.responses.has(Integer.toString(status)) || operation.responses.has("default");
  }

  private static List<Operation> operations(JsonNode document) {
    var all = new ArrayList<Operation>();
    document
        .path("paths")
        .forEachEntry(
            (path, item) ->
                item.forEachEntry(
                    (method, operation) -> {
                      // A stream of all events never ends.
                      if (!method.equals("parameters") && !path.equals("/events")) {
                        var parameters = Codec.mapper().createArrayNode();
                        item.path("parameters").forEach(parameters::add);
                        operation.path("parameters").forEach(parameters::add);
                        all.add(
                            new Operation(
                                method.toUpperCase(Locale.ROOT),
                                path,
                                parameters,
                                operation.path("requestBody"),
                                operation.path("responses")));
                      }
                    }));
    return all;
  }

  private HttpRequest request(JsonNode document, String address, Operation operation) {
    String path = operation.path;
    var query = new StringBuilder();
    var headers = new ArrayList<String>();
    for (JsonNode each : operation.parameters) {
      JsonNode parameter = resolved(document, each);
      String name = parameter.path("name").asString();
      String value = oneOf(TEXTS);
      switch (parameter.path("in").asString()) {
        case "path" ->
            path = path.replace("{" + name + "}", encoded(value.isEmpty() ? "x" : value));
        case "query" -> {
          if (random.nextInt(4) == 0) {
            query
                .append(query.isEmpty() ? '?' : '&')
                .append(name)
                .append('=')
                .append(encoded(value));
          }
        }
        default -> {
          if (name.equals("Idempotency-Key") && random.nextInt(4) == 0) {
            headers.addAll(List.of(name, "key-" + random.nextInt(20)));
          }
        }
      }
    }
    // Nobody has to wait for what is only tried.
    headers.addAll(List.of("Prefer", random.nextBoolean() ? "wait=1" : "respond-async"));
    var request =
        HttpRequest.newBuilder(URI.create(address + path + query))
            .timeout(PATIENCE)
            .headers(headers.toArray(String[]::new));
    return operation.body.isMissingNode()
        ? request.method(operation.method, HttpRequest.BodyPublishers.noBody()).build()
        : request
            .header("Content-Type", random.nextInt(10) == 0 ? "text/plain" : "application/json")
            .method(
                operation.method, HttpRequest.BodyPublishers.ofString(body(document, operation)))
            .build();
  }

  private String body(JsonNode document, Operation operation) {
    JsonNode schema =
        resolved(document, operation.body).path("content").path("application/json").path("schema");
    return switch (random.nextInt(12)) {
      case 0 -> "";
      case 1 -> oneOf(TEXTS);
      case 2 -> "[".repeat(random.nextInt(2_000));
      case 3 -> "{\"task\": \"x\", \"task\": \"y\"}";
      default -> {
        String json = Codec.mapper().writeValueAsString(made(document, schema, operation.path, 0));
        yield random.nextInt(20) == 0 ? json.substring(0, json.length() / 2) : json;
      }
    };
  }

  /// A value of this schema, more or less.
  private JsonNode made(JsonNode document, JsonNode of, String path, int depth) {
    JsonNode schema = resolved(document, of);
    if (depth > 3 || random.nextInt(15) == 0) {
      return spoilt();
    }
    if (schema.has("enum")) {
      return schema.path("enum").path(random.nextInt(schema.path("enum").size()));
    }
    return switch (schema.path("type").asString("object")) {
      case "string" -> Codec.mapper().valueToTree(oneOf(TEXTS));
      case "boolean" -> Codec.mapper().valueToTree(random.nextBoolean());
      case "integer", "number" -> Codec.mapper().valueToTree(random.nextInt(-2, 1_000));
      case "array" -> {
        var array = Codec.mapper().createArrayNode();
        for (int i = random.nextInt(4); i > 0; i--) {
          array.add(made(document, schema.path("items"), path, depth + 1));
        }
        yield array;
      }
      default -> object(document, schema, path, depth);
    };
  }

  private ObjectNode object(JsonNode document, JsonNode schema, String path, int depth) {
    ObjectNode object = Codec.mapper().createObjectNode();
    schema
        .path("properties")
        .forEachEntry(
            (name, property) -> {
              boolean required =
                  schema.path("required").valueStream().anyMatch(it -> it.asString().equals(name));
              if (required || random.nextInt(5) == 0) {
                object.set(name, made(document, property, path, depth + 1));
              }
            });
    if (path.startsWith("/v1/") && depth == 0) {
      object.put("model", oneOf(List.of("haiku", "symbiont-auto", "gpt")));
      var message = object.putArray("messages").addObject();
      message.put("role", oneOf(List.of("user", "user", "assistant", "tool")));
      message.put("content", oneOf(TEXTS));
      object.put("stream", random.nextInt(4) == 0);
    }
    return object;
  }

  private JsonNode spoilt() {
    return switch (random.nextInt(6)) {
      case 0 -> Codec.mapper().nullNode();
      case 1 -> Codec.mapper().createArrayNode().add(1);
      case 2 -> Codec.mapper().createObjectNode().put("x", 1);
      case 3 -> Codec.mapper().valueToTree(1e300);
      case 4 -> Codec.mapper().valueToTree(oneOf(TEXTS));
      default -> Codec.mapper().valueToTree(random.nextLong());
    };
  }

  private static JsonNode resolved(JsonNode document, JsonNode node) {
    JsonNode reference = node.path("$ref");
    return reference.isString() ? document.at(reference.stringValue().substring(1)) : node;
  }

  private <E> E oneOf(List<E> all) {
    return all.get(random.nextInt(all.size()));
  }

  private static String encoded(String value) {
    return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
