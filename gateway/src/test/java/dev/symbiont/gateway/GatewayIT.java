package dev.symbiont.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.KeyText;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;

/// The gateway alone on a real broker, with nobody behind it.
@WithBroker
class GatewayIT {

  private final HttpClient http = HttpClient.newHttpClient();

  private @Nullable ConfigurableApplicationContext gateway;

  @AfterEach
  void stop() {
    if (gateway != null) {
      gateway.close();
    }
    http.close();
  }

  @Test
  void acceptsATaskOnceTheBrokerHasIt(TestBroker broker) throws Exception {
    startConnected(broker);

    HttpResponse<String> response =
        post("/queue", "{\"task\": \"say hello\", \"priority\": \"low\"}");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(json(response).path("position").asLong()).isEqualTo(1);
    var inbox = broker.take(Topology.inbox(Priority.LOW));
    var accepted = (AcceptedTask) Codec.decode(inbox.getProps().getType(), inbox.getBody());
    assertThat(accepted.taskId()).isEqualTo(json(response).path("id").asString());
    assertThat(inbox.getProps().getMessageId()).isEqualTo(accepted.eventId());
    assertThat(inbox.getProps().getDeliveryMode()).isEqualTo(2);
  }

  @Test
  void doesNotAcceptWhatNoQueueTakes(TestBroker broker) throws Exception {
    startConnected(broker);
    broker
        .channel()
        .queueUnbind(
            Topology.inbox(Priority.NORMAL), Topology.FLOW, Topology.acceptedKey(Priority.NORMAL));
    broker.channel().queueUnbind(Topology.LEDGER, Topology.FLOW, "task.#");

    HttpResponse<String> response = post("/task", "{\"task\": \"say hello\"}");

    assertProblem(response, 503, "no queue took it");
    assertThat(response.headers().firstValue("Retry-After")).contains("5");
  }

  @Test
  void doesNotAcceptAnythingWithoutABroker() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    assertProblem(post("/task", "{\"task\": \"say hello\"}"), 503, "was not accepted");
  }

  @Test
  void saysThatNoLedgerWriterAnswers(TestBroker broker) throws Exception {
    startConnected(broker);

    assertThat(json(get("/status")).path("status").asString()).startsWith("degraded");
    assertProblem(get("/ledger"), 503, "no ledger-writer answers");
  }

  @Test
  void answersAcceptedWhenPatienceRunsOut(TestBroker broker) throws Exception {
    startConnected(broker, "symbiont.gateway.patience=200ms");

    HttpResponse<String> response = post("/task", "{\"task\": \"slow\"}");

    assertThat(response.statusCode()).isEqualTo(202);
    assertThat(response.headers().firstValue("Location"))
        .contains("/tasks/" + json(response).path("id").asString());
  }

  @Test
  void handsTheEndToTheCallerWhoWaits(TestBroker broker) throws Exception {
    startConnected(broker);
    CompletableFuture<HttpResponse<String>> waiting =
        http.sendAsync(
            request("/task").POST(body("{\"task\": \"say hello\"}")).build(),
            HttpResponse.BodyHandlers.ofString());
    var inbox = broker.take(Topology.inbox(Priority.NORMAL));
    var accepted = (AcceptedTask) Codec.decode(inbox.getProps().getType(), inbox.getBody());

    var end =
        new TaskEnded(
            accepted.taskId(),
            TaskState.FAILED,
            "it rained",
            null,
            List.of(),
            null,
            BigDecimal.ZERO,
            Instant.EPOCH,
            0);
    broker.publish(
        Topology.FLOW,
        Objects.requireNonNull(accepted.reply().key()),
        new AMQP.BasicProperties.Builder().type(Codec.schemaOf(end)).build(),
        Codec.encode(end));

    assertProblem(waiting.get(), 502, "it rained");
  }

  @Test
  void theDocumentNamesWhatIsServedAndNothingElse() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));
    JsonNode paths = json(get("/openapi.json")).path("paths");
    var documented = new TreeSet<String>();
    paths.forEachEntry(
        (path, item) ->
            item.propertyNames().stream()
                .filter(it -> !it.equals("parameters"))
                .forEach(method -> documented.add(method.toUpperCase(Locale.ROOT) + " " + path)));

    var served = new TreeSet<String>();
    Objects.requireNonNull(gateway)
        .getBean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
        .getHandlerMethods()
        .forEach(
            (mapping, handler) -> {
              if (handler.getBeanType().getPackageName().startsWith("dev.symbiont")) {
                for (var method : mapping.getMethodsCondition().getMethods()) {
                  mapping.getPatternValues().forEach(path -> served.add(method + " " + path));
                }
              }
            });

    assertThat(served).isEqualTo(documented);
  }

  @Test
  void thePagesAreServedAndNameTheirLibraries() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    HttpResponse<String> dashboard = get("/dashboard/");
    assertThat(get("/dashboard").headers().firstValue("Location").orElseThrow())
        .endsWith("/dashboard/");
    assertThat(dashboard.headers().firstValue("Content-Security-Policy").orElseThrow())
        .startsWith("default-src 'self';")
        .doesNotContain("unsafe");
    for (String page : List.of(dashboard.body(), get("/docs/index.html").body())) {
      List<String> libraries =
          Pattern.compile("\"(/webjars/[^\"]+)\"")
              .matcher(page)
              .results()
              .map(it -> it.group(1))
              .toList();
      assertThat(libraries).hasSizeGreaterThan(1);
      for (String library : libraries) {
        assertThat(get(library).statusCode()).as(library).isEqualTo(200);
      }
    }
  }

  @Test
  void aStreamThatCannotBeginHasAStatusOfItsOwn() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    HttpResponse<String> answer =
        post(
            "/v1/chat/completions",
            "{\"model\": \"haiku\", \"stream\": true, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}");

    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(json(answer).path("error").path("type").asString()).isEqualTo("api_error");
  }

  @ParameterizedTest
  @CsvSource({
    "GET /tasks/..%2F..%2Fetc HTTP/1.1, 400",
    "GET /tasks/%zz HTTP/1.1, 400",
    "GET /tasks?text=% HTTP/1.1, 400",
    "GET /WEB-INF/web.xml HTTP/1.1, 404",
    "TRACE /status HTTP/1.1, 405",
    "GET /status HTTP/9.9, 505",
    "hello, 400"
  })
  void whatIsNoRequestIsAProblemToo(String line, int status) throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    String answer = exchange(line + "\r\nHost: localhost\r\nConnection: close\r\n\r\n", "");

    assertThat(answer).startsWith("HTTP/1.1 %d ".formatted(status));
    assertThat(answer).contains("Content-Type: application/problem+json");
    assertThat(answer).contains("\"status\":" + status).doesNotContain("Server:");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Transfer-Encoding: chunked", "Content-Encoding: gzip\r\nContent-Length: 2"})
  void whatIsNoBodyIsAProblemToo(String headers) throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    String answer =
        exchange(
            "POST /queue HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + headers
                + "\r\n\r\nzz\r\n",
            "");

    assertThat(answer).startsWith("HTTP/1.1 400 ").contains("the body breaks off");
  }

  @Test
  void aBodyThatNobodyWantsIsNotTakenForTheNextRequest() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    String answers =
        exchange(
            "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n",
            "{}GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

    assertThat(answers).startsWith("HTTP/1.1 404 ").contains("HTTP/1.1 200 ");
  }

  /// A page in somebody's browser must not spend money.
  @ParameterizedTest
  @CsvSource({
    "Host: evil.example.com, 400",
    "Host: 127.0.0.1.evil.example.com, 400",
    "Host: localhost|Origin: https://evil.example.com, 403",
    "Host: localhost|Origin: null, 403",
    "Host: localhost, 404",
    "Host: 127.0.0.1:8111, 404"
  })
  void strangersPagesStayOutside(String headers, int status) throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    String answer =
        exchange(
            "POST /nowhere HTTP/1.1\r\n%s\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
                .formatted(headers.replace("|", "\r\n")),
            "");

    assertThat(answer).startsWith("HTTP/1.1 %d ".formatted(status));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", ""})
  void aGatewayThatCanBeReachedFromElsewhereWantsKeys(String address) {
    assertThatThrownBy(() -> start(URI.create("amqp://127.0.0.1:1"), "server.address=" + address))
        .rootCause()
        .hasMessageStartingWith(
            "symbiont.gateway: '%s' can be reached from elsewhere".formatted(address));
  }

  @Test
  void keysAreNotKnownBeforeALedgerWriterHasToldThem(TestBroker broker) throws Exception {
    start(broker.address(), "symbiont.gateway.keys=true");
    String text = KeyText.draw(new Random(1)).reveal();

    HttpResponse<String> answer =
        http.send(
            request("/tasks").header("Authorization", "Bearer " + text).build(),
            HttpResponse.BodyHandlers.ofString());

    assertProblem(answer, 503, "the keys are not known yet");
    assertThat(get("/tasks").statusCode()).isEqualTo(401);
  }

  @Test
  void aTaskWithAWebhookIsRefusedWhereNobodyWouldCall() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    HttpResponse<String> answer =
        post("/queue", "{\"task\": \"x\", \"webhook\": \"https://example.org/done\"}");

    assertProblem(answer, 422, "this gateway calls nobody");
    assertThat(json(answer).path("field").asString()).isEqualTo("webhook");
  }

  @Test
  void theDocumentNeedNotBeSentTwice() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));
    String tag = get("/openapi.json").headers().firstValue("ETag").orElseThrow();

    HttpResponse<String> again =
        http.send(
            request("/openapi.json").header("If-None-Match", tag).build(),
            HttpResponse.BodyHandlers.ofString());

    assertThat(again.statusCode()).isEqualTo(304);
  }

  @Test
  void otherFormatsAreRefusedInTheirOwnWords() throws Exception {
    start(URI.create("amqp://127.0.0.1:1"));

    JsonNode openAi =
        json(
            post(
                "/v1/chat/completions",
                "{\"model\": \"haiku\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"tools\": [{}]}"));
    HttpResponse<String> anthropic =
        post(
            "/v1/messages",
            "{\"model\": \"haiku\", \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]}");

    assertThat(openAi.path("error").path("param").asString()).isEqualTo("tools");
    assertThat(openAi.path("error").path("type").asString()).isEqualTo("invalid_request_error");
    assertThat(anthropic.statusCode()).isEqualTo(400);
    assertThat(json(anthropic).path("error").path("message").asString())
        .isEqualTo("messages[0]: a task takes text alone");
  }

  private void start(URI broker, String... settings) throws Exception {
    String[] arguments =
        Stream.concat(
                Stream.of(
                    "spring.config.name=symbiont",
                    "server.port=0",
                    "server.shutdown=immediate",
                    "symbiont.broker=" + broker),
                Stream.of(settings))
            .map(setting -> "--" + setting)
            .toArray(String[]::new);
    gateway = new SpringApplicationBuilder(GatewayApplication.class).run(arguments);
  }

  /// Returns when the gateway has its connection; what that took is purged.
  private void startConnected(TestBroker broker, String... settings) throws Exception {
    start(broker.address(), settings);
    await("the connection")
        .until(() -> post("/queue", "{\"task\": \"ready?\"}").statusCode() == 200);
    broker.channel().queuePurge(Topology.inbox(Priority.NORMAL));
  }

  /// All that is answered to these bytes.
  ///
  /// @param rest sent when the answer to the others has begun
  private String exchange(String bytes, String rest) throws Exception {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(bytes.getBytes(StandardCharsets.UTF_8));
      var answer = new ByteArrayOutputStream();
      answer.write(socket.getInputStream().readNBytes("HTTP/1.1".length()));
      socket.getOutputStream().write(rest.getBytes(StandardCharsets.UTF_8));
      socket.getInputStream().transferTo(answer);
      return answer.toString(StandardCharsets.UTF_8);
    }
  }

  private HttpResponse<String> post(String path, String json)
      throws IOException, InterruptedException {
    return http.send(request(path).POST(body(json)).build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return http.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port(), path)));
  }

  private int port() {
    return Objects.requireNonNull(
            ((WebServerApplicationContext) Objects.requireNonNull(gateway)).getWebServer())
        .getPort();
  }

  private static HttpRequest.BodyPublisher body(String json) {
    return HttpRequest.BodyPublishers.ofString(json);
  }

  private static JsonNode json(HttpResponse<String> response) {
    return Codec.mapper().readTree(response.body());
  }

  private static void assertProblem(HttpResponse<String> response, int status, String detail) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(json(response).path("detail").asString()).contains(detail);
  }
}
