package dev.symbiont.hop;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.PartialText;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// A message ready to be published.
///
/// @param mustArrive whether it counts as lost when no queue takes it; an answer to somebody who
///   has gone does not
@SuppressWarnings("ArrayRecordComponent") // never compared, and not copied on the way out
public record Parcel(
    String exchange, String key, AMQP.BasicProperties properties, byte[] body, boolean mustArrive) {

  private static final int PERSISTENT = 2;
  private static final String SIGN_OF_LIFE_EXPIRES_MILLIS = "30000";

  /// A step of a task, with a copy under one confirm for whoever waits at `replyKey`.
  public static Parcel step(String key, Step step, @Nullable String replyKey) {
    var properties =
        properties(step, replyKey).messageId(step.eventId()).deliveryMode(PERSISTENT).build();
    return new Parcel(Topology.FLOW, key, properties, Codec.encode(step), true);
  }

  public static Parcel step(String key, Step step) {
    return step(key, step, null);
  }

  /// A question to the ledger.
  public static Parcel question(Message question, String requestId) {
    return kept(Topology.ASK_LEDGER, question, requestId);
  }

  /// An answer to a question; the one who asked may be gone.
  public static Parcel answer(Message answer, String replyKey) {
    return new Parcel(
        Topology.FLOW, replyKey, properties(answer).build(), Codec.encode(answer), false);
  }

  /// A task's result for the queue of the producer, which may be gone.
  public static Parcel result(Result result, String queue, @Nullable String correlationId) {
    var properties =
        properties(result)
            .messageId(result.id())
            .correlationId(correlationId)
            .deliveryMode(PERSISTENT)
            .build();
    return new Parcel("", queue, properties, Codec.encode(result), false);
  }

  /// Somebody is to be called over HTTP.
  public static Parcel webhook(String key, Webhook webhook) {
    return kept(key, webhook, webhook.id());
  }

  /// A sign of life; worthless when old, so that it never piles up while nobody reads it.
  public static Parcel signOfLife(String key, Message beat) {
    var properties = properties(beat).expiration(SIGN_OF_LIFE_EXPIRES_MILLIS).build();
    return new Parcel(Topology.FLOW, key, properties, Codec.encode(beat), false);
  }

  /// Some of an answer, for whoever watches it come.
  public static Parcel text(PartialText text) {
    return signOfLife(Topology.textKey(text.taskId()), text);
  }

  /// How a tier stands; worthless when old.
  public static Parcel tier(String key, TierState state) {
    return signOfLife(key, state);
  }

  /// A message that cannot go on, exactly as it came, with the reason in its headers.
  public static Parcel setAside(Delivery delivery, String reason) {
    var headers = new HashMap<String, Object>(delivery.headers());
    headers.keySet().removeIf(Parcel::isTheBrokers);
    headers.putAll(whyAndWhence(delivery, reason));
    // An expiration or a foreign user id would make the broker drop or refuse what must be kept.
    var properties =
        delivery
            .properties()
            .builder()
            .headers(headers)
            .deliveryMode(PERSISTENT)
            .expiration(null)
            .userId(null)
            .build();
    return new Parcel(
        Topology.DEAD_LETTERS, Topology.MESSAGE_SET_ASIDE, properties, delivery.body(), true);
  }

  /// A producer's message that was set aside, once more.
  ///
  /// @param body it as it came, or as it was put right
  public static Parcel again(Delivery delivery, byte[] body) {
    var headers = new HashMap<String, Object>(delivery.headers());
    headers.keySet().removeIf(Parcel::isTheBrokers);
    headers.keySet().removeIf(it -> it.startsWith("symbiont-"));
    var properties = delivery.properties().builder().headers(headers).userId(null).build();
    return new Parcel(Topology.TASKS, "", properties, body, true);
  }

  /// The same without the message's own headers, which left no room for ours.
  static Parcel setAsideBare(Delivery delivery, String reason) {
    Parcel full = setAside(delivery, reason);
    var bare =
        full.properties
            .builder()
            .headers(whyAndWhence(delivery, reason + " (its own headers were too large to keep)"))
            .build();
    return new Parcel(full.exchange, full.key, bare, full.body, full.mustArrive);
  }

  private static Map<String, Object> whyAndWhence(Delivery delivery, String reason) {
    var headers = new HashMap<String, Object>();
    headers.put(Topology.REASON_HEADER, reason);
    headers.put(Topology.SOURCE_HEADER, delivery.queue());
    headers.put(Topology.EXCHANGE_HEADER, delivery.exchange());
    if (delivery.properties().getMessageId() == null) {
      headers.put(Topology.LETTER_HEADER, UUID.randomUUID().toString());
    }
    return headers;
  }

  /// Headers in which the broker counts deaths and copies; they would be taken for those of the new
  /// message.
  private static boolean isTheBrokers(String header) {
    return header.equals("CC")
        || header.equals("BCC")
        || header.equals("x-death")
        || header.equals("x-delivery-count")
        || header.startsWith("x-first-death-")
        || header.startsWith("x-last-death-");
  }

  private static Parcel kept(String key, Message message, String id) {
    var properties = properties(message).messageId(id).deliveryMode(PERSISTENT).build();
    return new Parcel(Topology.FLOW, key, properties, Codec.encode(message), true);
  }

  private static AMQP.BasicProperties.Builder properties(Message message) {
    return properties(message, null);
  }

  private static AMQP.BasicProperties.Builder properties(Message message, @Nullable String copyTo) {
    Map<String, Object> headers = Traces.headers();
    if (copyTo != null) {
      headers.put("CC", List.of(copyTo));
    }
    return new AMQP.BasicProperties.Builder()
        .headers(headers)
        .type(Codec.schemaOf(message))
        .contentType("application/json");
  }

  @Override
  public String toString() {
    return "%s to %s/%s".formatted(properties.getMessageId(), exchange, key);
  }
}
