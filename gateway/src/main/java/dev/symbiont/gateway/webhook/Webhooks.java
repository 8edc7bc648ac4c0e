package dev.symbiont.gateway.webhook;

import dev.symbiont.gateway.Problem;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Hop;
import java.io.IOException;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.stereotype.Component;

/// Whether this gateway calls others, and what it promises to those who ask for it.
@Component
@EnableConfigurationProperties(WebhookSettings.class)
public final class Webhooks implements DisposableBean {

  private final WebhookSettings settings;
  private final @Nullable WebhookDesk desk;

  Webhooks(WebhookSettings settings, Broker broker, Hop hop, InstantSource clock) {
    this.settings = settings;
    this.desk =
        settings.isOn() ? new WebhookDesk(broker, hop, new WebhookSender(settings, clock)) : null;
    if (desk != null) {
      desk.start();
    }
  }

  /// Fails if what a task asks for would not be done.
  public void require(@Nullable String url) {
    if (url == null) {
      return;
    }
    if (!settings.isOn()) {
      throw Problem.invalid(
          "webhook: this gateway calls nobody; set SYMBIONT_WEBHOOK_SECRET, or leave it out",
          "webhook");
    }
    if (!settings.allowPrivate() && !url.startsWith("https:")) {
      throw Problem.invalid("webhook: must be an https address", "webhook");
    }
  }

  @Override
  public void destroy() throws IOException {
    if (desk != null) {
      desk.close();
    }
  }
}
