package dev.symbiont.hop;

import com.rabbitmq.client.AMQP;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A message that the broker gave us and waits to have settled. Only [Hop] settles it.
public final class Delivery {

  private final Unsettled unsettled;
  private final long tag;
  private final String queue;
  private final String exchange;
  private final boolean redelivered;
  private final AMQP.BasicProperties properties;
  private final byte[] body;
  private final Context trace;

  Delivery(
      Unsettled unsettled,
      String queue,
      com.rabbitmq.client.Envelope envelope,
      AMQP.BasicProperties properties,
      byte[] body) {
    this.unsettled = unsettled;
    this.tag = envelope.getDeliveryTag();
    this.queue = queue;
    this.exchange = envelope.getExchange();
    this.redelivered = envelope.isRedeliver();
    this.properties = properties;
    this.body = body;
    this.trace = Traces.in(headers());
    unsettled.delivered(tag);
  }

  public String queue() {
    return queue;
  }

  /// The exchange that it was published to, which tells the fleet's own messages from a producer's.
  public String exchange() {
    return exchange;
  }

  public boolean redelivered() {
    return redelivered;
  }

  public AMQP.BasicProperties properties() {
    return properties;
  }

  public Map<String, Object> headers() {
    Map<String, Object> headers = properties.getHeaders();
    return headers == null ? Map.of() : headers;
  }

  /// The trace that it belongs to, if whoever sent it said so.
  public Context trace() {
    return trace;
  }

  public boolean isTraced() {
    return Span.fromContext(trace).getSpanContext().isValid();
  }

  public @Nullable String schema() {
    return properties.getType();
  }

  public byte[] body() {
    return body;
  }

  void acknowledge() {
    unsettled.acknowledge(tag);
  }

  /// Settles everything that came before on its channel as well.
  void acknowledgeUpToHere() {
    unsettled.acknowledgeUpTo(tag);
  }

  void putBack() {
    unsettled.putBack(tag);
  }
}
