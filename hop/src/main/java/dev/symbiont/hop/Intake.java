package dev.symbiont.hop;

import com.rabbitmq.client.Channel;
import dev.symbiont.contract.wire.UnreadableMessageException;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageProperties;
import org.springframework.amqp.rabbit.listener.DirectMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.api.ChannelAwareMessageListener;
import org.springframework.amqp.rabbit.support.DefaultMessagePropertiesConverter;

/// Takes messages from queues and hands each to a handler, which sees to it that it is settled.
/// Whatever the handler throws puts the message aside: a message that nobody can handle must not
/// come round for ever.
public final class Intake implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Intake.class);
  private static final long RECOVER_MILLIS = 1000;

  private final DirectMessageListenerContainer container;

  /// @param prefetch messages of each queue that may be here unsettled
  public Intake(
      Broker broker, Hop hop, List<String> queues, int prefetch, Consumer<Delivery> handler) {
    container = new DirectMessageListenerContainer(broker.consuming());
    container.setQueueNames(queues.toArray(String[]::new));
    container.setPrefetchCount(prefetch);
    container.setAcknowledgeMode(AcknowledgeMode.MANUAL);
    // Requeueing by throwing never ends on RabbitMQ 4.3.
    container.setDefaultRequeueRejected(false);
    container.setMissingQueuesFatal(false);
    container.setRecoveryInterval(RECOVER_MILLIS);
    container.setFailedDeclarationRetryInterval(RECOVER_MILLIS);
    container.setMessagePropertiesConverter(new KeepRaw());
    container.setMessageListener(
        (ChannelAwareMessageListener)
            (message, channel) -> receive(hop, handler, message, Objects.requireNonNull(channel)));
    container.setupMessageListener(Objects.requireNonNull(container.getMessageListener()));
    container.afterPropertiesSet();
  }

  public void start() {
    container.start();
  }

  /// Takes nothing more; what is held can still be settled.
  public void stop() {
    container.stop();
  }

  @Override
  public void close() {
    container.destroy();
  }

  private static void receive(
      Hop hop, Consumer<Delivery> handler, Message message, Channel channel) {
    var raw = (RawProperties) message.getMessageProperties();
    var delivery =
        new Delivery(
            channel,
            Objects.requireNonNull(raw.getConsumerQueue()),
            raw.envelope,
            raw.properties,
            message.getBody());
    try {
      handler.accept(delivery);
    } catch (UnreadableMessageException e) {
      var _ = hop.setAside(delivery, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      log.error("message {} cannot be handled", raw.properties.getMessageId(), e);
      var _ = hop.setAside(delivery, "cannot be handled: " + e);
    }
  }

  /// Keeps the message's own properties, so that it can be set aside exactly as it came.
  private static final class KeepRaw extends DefaultMessagePropertiesConverter {

    @Override
    public MessageProperties toMessageProperties(
        com.rabbitmq.client.AMQP.BasicProperties source,
        com.rabbitmq.client.@org.jspecify.annotations.Nullable Envelope envelope,
        String charset) {
      var properties = new RawProperties(Objects.requireNonNull(envelope), source);
      properties.setDeliveryTag(envelope.getDeliveryTag());
      return properties;
    }
  }

  @SuppressWarnings("EqualsHashCode")
  private static final class RawProperties extends MessageProperties {

    private static final long serialVersionUID = 1;

    private final transient com.rabbitmq.client.Envelope envelope;
    private final transient com.rabbitmq.client.AMQP.BasicProperties properties;

    RawProperties(
        com.rabbitmq.client.Envelope envelope,
        com.rabbitmq.client.AMQP.BasicProperties properties) {
      this.envelope = envelope;
      this.properties = properties;
    }
  }
}
