package dev.symbiont.gateway.webhook;

import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpStatus;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.util.Timeout;

/// One try at calling somebody. Only an answer of the 200s counts as heard; a redirection does not,
/// as it could lead anywhere.
final class WebhookSender implements AutoCloseable {

  private static final int MOST_CONNECTIONS = 100;
  private static final int MOST_TO_ONE = 20;
  private static final Timeout CONNECT = Timeout.of(5, TimeUnit.SECONDS);
  private static final Timeout ANSWER = Timeout.of(15, TimeUnit.SECONDS);

  private static final Duration IN_ALL = Duration.ofSeconds(30);

  private final Secret secret;
  private final boolean allowPrivate;
  private final InstantSource clock;
  private final CloseableHttpClient http;

  /// How a try has ended.
  sealed interface Outcome {

    record Heard() implements Outcome {}

    /// It may be heard later.
    record Failed(String why) implements Outcome {}

    /// It will not: the receiver says so, or we must not call.
    record Hopeless(String why) implements Outcome {}
  }

  WebhookSender(WebhookSettings settings, InstantSource clock) {
    this.secret = Secret.parse(settings.secret());
    this.allowPrivate = settings.allowPrivate();
    this.clock = clock;
    this.http =
        HttpClients.custom()
            .setConnectionManager(
                PoolingHttpClientConnectionManagerBuilder.create()
                    .setDnsResolver(
                        allowPrivate ? SystemDefaultDnsResolver.INSTANCE : new PublicAddresses())
                    .setDefaultConnectionConfig(
                        ConnectionConfig.custom()
                            .setConnectTimeout(CONNECT)
                            .setSocketTimeout(ANSWER)
                            .build())
                    .setMaxConnTotal(MOST_CONNECTIONS)
                    .setMaxConnPerRoute(MOST_TO_ONE)
                    .build())
            .setDefaultRequestConfig(RequestConfig.custom().setResponseTimeout(ANSWER).build())
            .disableRedirectHandling()
            .disableAutomaticRetries()
            .disableCookieManagement()
            .disableContentCompression()
            .disableAuthCaching()
            .setUserAgent("Symbiont")
            .build();
  }

  Outcome call(Webhook webhook) {
    URI url = URI.create(webhook.url());
    if (!allowPrivate && !"https".equals(url.getScheme())) {
      return new Outcome.Hopeless("only https addresses are called");
    }
    byte[] body = body(webhook);
    long timestamp = clock.instant().getEpochSecond();
    var request = new HttpPost(url);
    request.setHeader("webhook-id", webhook.id());
    request.setHeader("webhook-timestamp", Long.toString(timestamp));
    request.setHeader("webhook-signature", secret.sign(webhook.id(), timestamp, body));
    request.setEntity(new ByteArrayEntity(body, ContentType.APPLICATION_JSON));
    try {
      int status = statusOf(request);
      if (status >= HttpStatus.SC_OK && status < HttpStatus.SC_REDIRECTION) {
        return new Outcome.Heard();
      }
      String why = "the receiver answered %d".formatted(status);
      return status == HttpStatus.SC_GONE ? new Outcome.Hopeless(why) : new Outcome.Failed(why);
    } catch (IOException e) {
      return new Outcome.Failed(String.valueOf(e.getMessage()));
    }
  }

  /// What the receiver says beside its status is nobody's concern, and is not read: it could go on
  /// for ever.
  private int statusOf(HttpPost request) throws IOException {
    // Each read has its time limit; a receiver that sends a byte now and then would never reach it.
    CompletableFuture.delayedExecutor(IN_ALL.toSeconds(), TimeUnit.SECONDS)
        .execute(request::cancel);
    ClassicHttpResponse response = http.executeOpen(null, request, null);
    if (response.getEntity() == null) {
      response.close();
    } else {
      request.cancel(); // closing would read to the end
    }
    return response.getCode();
  }

  static byte[] body(Webhook webhook) {
    var body = new LinkedHashMap<String, Object>();
    body.put("type", webhook.event());
    body.put("timestamp", webhook.at());
    body.put("data", webhook.data());
    return Codec.encode(body);
  }

  @Override
  public void close() throws IOException {
    http.close();
  }
}
