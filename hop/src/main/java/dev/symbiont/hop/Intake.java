package dev.symbiont.hop;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import dev.symbiont.contract.wire.UnreadableMessageException;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes messages from queues and hands each to a handler, which sees to it that it is settled.
/// Whatever the handler throws puts the message aside: a message that nobody can handle must not
/// come round for ever.
///
/// Consumes on channels of its own, one per queue, and not through a listener container: a
/// container closes its channels when it is stopped, and what is still held could then not be
/// acknowledged any more.
public final class Intake implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Intake.class);
  private static final Duration TRY_AGAIN_AFTER = Duration.ofSeconds(1);

  private final Broker broker;
  private final Hop hop;
  private final List<String> queues;
  private final int prefetch;
  private final Consumer<Delivery> handler;
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
  private volatile boolean stopped;
  private volatile boolean paused;

  /// @param prefetch messages of each queue that may be here unsettled
  public Intake(
      Broker broker, Hop hop, List<String> queues, int prefetch, Consumer<Delivery> handler) {
    this.broker = broker;
    this.hop = hop;
    this.queues = List.copyOf(queues);
    this.prefetch = prefetch;
    this.handler = handler;
  }

  public void start() {
    broker.onConnect(connection -> queues.forEach(queue -> subscribe(connection, queue)));
  }

  /// Takes nothing more; what is held can still be settled.
  public void stop() {
    stopped = true;
    subscriptions.forEach(Subscription::cancel);
  }

  /// Takes nothing for a while, or goes on. What is held can be settled meanwhile.
  public void pause(boolean pause) {
    if (paused == pause || stopped) {
      return;
    }
    paused = pause;
    subscriptions.forEach(pause ? Subscription::cancel : Subscription::consume);
  }

  @Override
  public void close() {
    stop();
    subscriptions.forEach(Subscription::close);
  }

  private void subscribe(Connection connection, String queue) {
    if (stopped || !connection.isOpen()) {
      return; // the next connection subscribes anew
    }
    try {
      Channel channel = connection.createChannel();
      var subscription = new Subscription(connection, channel, queue);
      subscriptions.add(subscription);
      channel.addShutdownListener(subscription::ended);
      channel.basicQos(prefetch);
      subscription.consume();
    } catch (IOException | ShutdownSignalException e) {
      log.warn("cannot consume from {}: {}", queue, e.toString());
    }
  }

  private void subscribeLater(Connection connection, String queue) {
    CompletableFuture.delayedExecutor(TRY_AGAIN_AFTER.toMillis(), TimeUnit.MILLISECONDS)
        .execute(
            () -> {
              if (connection.isOpen() && !stopped) {
                // The queue itself may be gone.
                broker.declareAgain(connection);
                subscribe(connection, queue);
              }
            });
  }

  private void receive(Delivery delivery) {
    try (Scope _ = delivery.trace().makeCurrent()) {
      handler.accept(delivery);
    } catch (UnreadableMessageException e) {
      var _ = hop.setAside(delivery, String.valueOf(e.getMessage()));
    } catch (RuntimeException | StackOverflowError e) {
      log.error("message {} cannot be handled", delivery.properties().getMessageId(), e);
      var _ = hop.setAside(delivery, "cannot be handled: " + e);
    }
  }

  /// One consumer on one channel.
  private final class Subscription extends DefaultConsumer {
    private final Connection connection;
    private final String queue;
    private final Unsettled unsettled;
    private @Nullable String tag;

    Subscription(Connection connection, Channel channel, String queue) {
      super(channel);
      this.connection = connection;
      this.queue = queue;
      this.unsettled = hop.unsettled(channel);
    }

    @Override
    public void handleDelivery(
        String consumerTag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
      receive(new Delivery(unsettled, queue, envelope, properties, body));
    }

    /// The broker has ended it: the queue was deleted, or we were too slow.
    @Override
    public void handleCancel(String consumerTag) {
      log.warn("the broker no longer delivers from {}; consuming again soon", queue);
      close();
      subscribeLater(connection, queue);
    }

    void ended(ShutdownSignalException cause) {
      subscriptions.remove(this);
      if (!cause.isInitiatedByApplication() && !cause.isHardError()) {
        log.warn("the channel of {} was closed: {}", queue, cause.getMessage());
        subscribeLater(connection, queue);
      }
    }

    synchronized void consume() {
      if (paused || stopped || tag != null) {
        return;
      }
      try {
        tag = getChannel().basicConsume(queue, false, this);
      } catch (IOException | AlreadyClosedException e) {
        log.warn("cannot consume from {}: {}", queue, e.toString());
      }
    }

    synchronized void cancel() {
      try {
        if (tag != null) {
          getChannel().basicCancel(tag);
          tag = null;
        }
      } catch (IOException | AlreadyClosedException e) {
        log.debug("{} was not consumed from any more", queue);
      }
    }

    void close() {
      unsettled.flush();
      try {
        getChannel().close();
      } catch (IOException | TimeoutException | AlreadyClosedException e) {
        log.debug("the channel of {} was closed before", queue);
      }
    }
  }
}
