package dev.symbiont.gateway.webhook;

import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.gateway.webhook.WebhookSender.Outcome;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Intake;
import dev.symbiont.hop.Parcel;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes the webhooks that are due. One that is not heard waits in a queue and comes again, for a
/// day, and is then set aside, where an operator can replay it.
final class WebhookDesk implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(WebhookDesk.class);
  private static final int AT_A_TIME = 20;
  private static final Duration LONG_ENOUGH = Duration.ofDays(1);

  private final Hop hop;
  private final WebhookSender sender;
  private final Intake intake;

  WebhookDesk(Broker broker, Hop hop, WebhookSender sender) {
    this.hop = hop;
    this.sender = sender;
    this.intake =
        new Intake(
            broker,
            hop,
            List.of(Topology.WEBHOOKS),
            AT_A_TIME,
            delivery -> {
              Webhook webhook = Codec.read(delivery.body(), Webhook.class);
              Thread.ofVirtual().name("webhook").start(() -> call(delivery, webhook));
            });
  }

  void start() {
    intake.start();
  }

  @Override
  public void close() throws IOException {
    intake.close();
    sender.close();
  }

  private void call(Delivery delivery, Webhook webhook) {
    switch (sender.call(webhook)) {
      case Outcome.Heard() -> {
        log.info("webhook {} ({}) was heard", webhook.id(), webhook.event());
        hop.done(delivery);
      }
      case Outcome.Failed(String why) when waitsBefore(webhook).compareTo(LONG_ENOUGH) < 0 -> {
        Duration wait = waitAfter(webhook.attempt());
        log.warn(
            "webhook {} was not heard at attempt {}: {}; again in {} s",
            webhook.id(),
            webhook.attempt(),
            why,
            wait.toSeconds());
        var later = Parcel.webhook(Topology.webhookLaterKey(wait), webhook.again(why));
        var _ = hop.forward(delivery, List.of(later));
      }
      case Outcome.Failed(String why) -> setAside(delivery, webhook, why);
      case Outcome.Hopeless(String why) -> setAside(delivery, webhook, why);
    }
  }

  private void setAside(Delivery delivery, Webhook webhook, String why) {
    var _ =
        hop.setAside(
            delivery,
            "webhook %s (%s) was not heard in %d attempts: %s"
                .formatted(webhook.id(), webhook.event(), webhook.attempt(), why));
  }

  static Duration waitAfter(int attempt) {
    List<Duration> waits = Topology.WEBHOOK_WAITS;
    return waits.get(Math.min(attempt, waits.size()) - 1);
  }

  /// How long it has waited between its attempts.
  static Duration waitsBefore(Webhook webhook) {
    Duration all = Duration.ZERO;
    for (int attempt = 1; attempt < webhook.attempt(); attempt++) {
      all = all.plus(waitAfter(attempt));
    }
    return all;
  }
}
