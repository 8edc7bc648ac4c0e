package dev.symbiont.hop;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A message that the broker gave us and waits to have settled. Only [Hop] settles it.
public final class Delivery {

  private final Channel channel;
  private final long tag;
  private final String queue;
  private final String exchange;
  private final boolean redelivered;
  private final AMQP.BasicProperties properties;
  private final byte[] body;

  Delivery(
      Channel channel,
      String queue,
      com.rabbitmq.client.Envelope envelope,
      AMQP.BasicProperties properties,
      byte[] body) {
    this.channel = channel;
    this.tag = envelope.getDeliveryTag();
    this.queue = queue;
    this.exchange = envelope.getExchange();
    this.redelivered = envelope.isRedeliver();
    this.properties = properties;
    this.body = body;
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

  public @Nullable String schema() {
    return properties.getType();
  }

  public byte[] body() {
    return body;
  }

  /// @param andEarlier settles everything that came before on this channel as well
  void acknowledge(boolean andEarlier) {
    settle(() -> channel.basicAck(tag, andEarlier));
  }

  void putBack() {
    settle(() -> channel.basicReject(tag, true));
  }

  private void settle(Settlement settlement) {
    try {
      settlement.run();
    } catch (IOException | AlreadyClosedException e) {
      // The channel is gone, and with it the delivery: the broker gives the message to somebody
      // else.
      return;
    }
  }

  private interface Settlement {
    void run() throws IOException;
  }
}
