package dev.symbiont.gateway.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.gateway.webhook.WebhookSender.Outcome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Against a server of the JDK on loopback.
class WebhookSenderTest {

  private static final Instant NOON = Instant.parse("2026-03-19T12:00:00Z");
  private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  private final List<String> heard = new CopyOnWriteArrayList<>();
  private final WebhookSender bold =
      new WebhookSender(new WebhookSettings(SECRET, true), InstantSource.fixed(NOON));
  private final WebhookSender careful =
      new WebhookSender(new WebhookSettings(SECRET, false), InstantSource.fixed(NOON));

  @SuppressWarnings("NullAway.Init")
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          var headers = exchange.getRequestHeaders();
          var secret = Secret.parse(SECRET);
          String id = headers.getFirst("webhook-id");
          long timestamp = Long.parseLong(headers.getFirst("webhook-timestamp"));
          boolean signed =
              secret.sign(id, timestamp, body).equals(headers.getFirst("webhook-signature"));
          heard.add("%s %s %s".formatted(exchange.getRequestURI(), id, signed));
          int status = Integer.parseInt(exchange.getRequestURI().getPath().substring(1));
          exchange.getResponseHeaders().add("Location", "/200");
          exchange.sendResponseHeaders(status, 0);
          // An answer without an end: nobody may wait for it.
          exchange.getResponseBody().write(new byte[10]);
          exchange.getResponseBody().flush();
        });
    server.start();
  }

  @AfterEach
  void stop() throws IOException {
    bold.close();
    careful.close();
    server.stop(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 299})
  void anAnswerOfThe200sIsHeard(int status) {
    assertThat(bold.call(webhook(address(status)))).isEqualTo(new Outcome.Heard());
    assertThat(heard).containsExactly("/%d msg_1 true".formatted(status));
  }

  /// A redirection is not followed.
  @ParameterizedTest
  @ValueSource(ints = {301, 302, 307, 308, 400, 404, 429, 500, 503})
  void anyOtherIsAFailure(int status) {
    assertThat(bold.call(webhook(address(status))))
        .isEqualTo(new Outcome.Failed("the receiver answered " + status));
    assertThat(heard).hasSize(1);
  }

  @Test
  void whoIsGoneIsNotCalledAgain() {
    assertThat(bold.call(webhook(address(410)))).isInstanceOf(Outcome.Hopeless.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"})
  void aPrivateAddressIsNotEvenKnockedAt(String host) {
    String url = "https://%s:%d/200".formatted(host, server.getAddress().getPort());

    assertThat(careful.call(webhook(url))).isInstanceOf(Outcome.Failed.class);
    assertThat(careful.call(webhook(address(200)))).isInstanceOf(Outcome.Hopeless.class);
    assertThat(heard).isEmpty();
  }

  @Test
  void triesForADay() {
    Webhook webhook = webhook("https://example.org/");
    Duration all = Duration.ZERO;
    while (WebhookDesk.waitsBefore(webhook).compareTo(Duration.ofDays(1)) < 0) {
      all = all.plus(WebhookDesk.waitAfter(webhook.attempt()));
      webhook = webhook.again("no");
    }

    assertThat(all).isBetween(Duration.ofHours(24), Duration.ofHours(30));
    assertThat(webhook.attempt()).isEqualTo(9);
    assertThat(WebhookDesk.waitAfter(1)).isEqualTo(Topology.WEBHOOK_WAITS.getFirst());
  }

  private String address(int status) {
    return "http://127.0.0.1:%d/%d".formatted(server.getAddress().getPort(), status);
  }

  private static Webhook webhook(String url) {
    return new Webhook(
        "msg_1", url, "task.succeeded", NOON, Codec.mapper().createObjectNode(), 1, null);
  }
}
