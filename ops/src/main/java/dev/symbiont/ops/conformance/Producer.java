package dev.symbiont.ops.conformance;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ShutdownSignalException;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.Broker;
import dev.symbiont.ops.SetupException;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/// A program of somebody else's: publishes tasks, has a queue for their results, and watches events
/// through another one. Declares nothing that outlives its connection.
final class Producer implements AutoCloseable {

  private final Connection connection;
  private final Channel publishing;
  private final String replies;
  private final Evidence evidence;
  private final Duration patience;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile boolean returned;

  private Producer(Connection connection, Evidence evidence, Duration patience) throws IOException {
    this.connection = connection;
    this.evidence = evidence;
    this.patience = patience;
    Channel watching = connection.createChannel();
    for (String exchange : List.of(Topology.TASKS, Topology.EVENTS)) {
      watching.exchangeDeclarePassive(exchange);
    }
    this.replies = watching.queueDeclare().getQueue();
    consume(watching, replies, evidence::addResult);
    watch(
        watching,
        Topology.EVENTS,
        "#",
        seen -> {
          if (seen.key().equals(Topology.MESSAGE_SET_ASIDE)) {
            evidence.addLetter(seen);
          } else {
            evidence.addEvent(seen);
          }
        });
    this.publishing = connection.createChannel();
    publishing.confirmSelect();
    // The broker returns a message before it confirms it.
    publishing.addReturnListener(_ -> returned = true);
  }

  static Producer connect(URI broker, Evidence evidence, Duration patience) {
    String problem = Broker.problemWith(broker);
    if (problem != null) {
      throw new SetupException(problem);
    }
    try {
      Connection connection = Broker.client(broker).newConnection("symbiont conformance");
      try {
        return new Producer(connection, evidence, patience);
      } catch (IOException e) {
        connection.abort();
        throw e;
      }
    } catch (IOException | TimeoutException e) {
      throw new SetupException(
          "no producer can work at %s (%s); start a fleet there, as a user who may declare queues of its own and read %s"
              .formatted(Broker.shown(broker), reason(e), Topology.EVENTS));
    }
  }

  Evidence evidence() {
    return evidence;
  }

  Duration patience() {
    return patience;
  }

  /// The queue for results.
  String replies() {
    return replies;
  }

  /// Returns when the broker has taken it.
  void publish(String key, AMQP.BasicProperties properties, byte[] body)
      throws InterruptedException {
    evidence.publishing(properties.getCorrelationId());
    lock.lock();
    try {
      returned = false;
      publishing.basicPublish(Topology.TASKS, key, true, properties, body);
      if (!publishing.waitForConfirms(patience.toMillis())) {
        throw new BrokenRuleException("the broker's confirm", "a negative one");
      }
      if (returned) {
        throw new BrokenRuleException(
            "a queue for the routing key '%s'".formatted(key), "the message back: there is none");
      }
    } catch (IOException | ShutdownSignalException | TimeoutException e) {
      throw new SetupException("the broker does not take tasks: " + reason(e));
    } finally {
      lock.unlock();
    }
  }

  /// Whether the broker has kept the connection up.
  boolean isConnected() {
    return connection.isOpen();
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (IOException | AlreadyClosedException e) {
      connection.abort();
    }
  }

  private static void watch(Channel channel, String exchange, String key, Consumer<Seen> receiver)
      throws IOException {
    String queue = channel.queueDeclare().getQueue();
    channel.queueBind(queue, exchange, key);
    consume(channel, queue, receiver);
  }

  private static void consume(Channel channel, String queue, Consumer<Seen> receiver)
      throws IOException {
    channel.basicConsume(queue, true, (_, delivery) -> receiver.accept(Seen.of(delivery)), _ -> {});
  }

  private static String reason(Exception e) {
    Throwable cause = e instanceof IOException && e.getCause() != null ? e.getCause() : e;
    if (cause instanceof ShutdownSignalException shutdown) {
      return switch (shutdown.getReason()) {
        case AMQP.Channel.Close close -> close.getReplyText();
        case AMQP.Connection.Close close -> close.getReplyText();
        case null, default -> String.valueOf(shutdown.getMessage());
      };
    }
    return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }
}
