package dev.symbiont.hop;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.ShutdownSignalException;
import dev.symbiont.contract.topology.Topology;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.amqp.AmqpException;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.Connection;
import org.springframework.amqp.rabbit.connection.ConnectionFactory;
import org.springframework.amqp.rabbit.connection.ConnectionListener;

/// The connections of one process: one to consume and one to publish, so that a broker which blocks
/// publishers still hears acknowledgements. Declares the topology on every connect, or checks that
/// it is there if its user may not declare, and reconnects by itself.
public final class Broker implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Broker.class);
  private static final int HEARTBEAT_SECONDS = 10;
  private static final Duration RECONNECT_EVERY = Duration.ofMillis(500);

  private final CachingConnectionFactory consuming;
  private final CachingConnectionFactory publishing;
  private final Topology topology;
  private final List<Consumer<com.rabbitmq.client.Connection>> onConnect = new ArrayList<>();
  private final Thread keeper;
  private volatile com.rabbitmq.client.@Nullable Connection current;
  private volatile boolean closed;

  public Broker(URI address, String name, Topology topology) {
    this.topology = topology;
    this.consuming = factory(address, name + " consumes");
    this.publishing = factory(address, name + " publishes");
    consuming.addConnectionListener(
        new ConnectionListener() {
          @Override
          public void onCreate(@Nullable Connection connection) {
            connected(Objects.requireNonNull(connection));
          }
        });
    this.keeper = Thread.ofVirtual().name("broker-keeper").unstarted(this::keepConnected);
  }

  /// Starts to connect, and goes on until [#close()]. Returns at once.
  public void start() {
    keeper.start();
  }

  /// Called with the consuming connection now, if there is one, and after each reconnect.
  synchronized void onConnect(Consumer<com.rabbitmq.client.Connection> action) {
    onConnect.add(action);
    com.rabbitmq.client.Connection open = current;
    if (open != null && open.isOpen()) {
      action.accept(open);
    }
  }

  ConnectionFactory consuming() {
    return consuming;
  }

  /// A channel of its own on the publishing connection.
  Channel publishingChannel() throws IOException {
    Channel channel = delegate(publishing.createConnection()).createChannel();
    if (channel == null) {
      throw new IOException("the broker has no free channel");
    }
    return channel;
  }

  /// Whether messages can come in just now.
  public boolean isConnected() {
    com.rabbitmq.client.Connection open = current;
    return open != null && open.isOpen();
  }

  /// How a queue stands.
  ///
  /// @param messages that are ready
  public record QueueState(long messages, long consumers) {}

  /// How each of these queues stands; empty if the broker does not say.
  public Map<String, QueueState> states(List<String> queues) {
    try (Channel channel = delegate(consuming.createConnection()).createChannel()) {
      var states = new LinkedHashMap<String, QueueState>();
      for (String queue : queues) {
        AMQP.Queue.DeclareOk it = channel.queueDeclarePassive(queue);
        states.put(queue, new QueueState(it.getMessageCount(), it.getConsumerCount()));
      }
      return states;
    } catch (IOException | TimeoutException | RuntimeException e) {
      log.warn("queue depths are not to be had: {}", reasonOf(e));
      return Map.of();
    }
  }

  /// How many messages are ready in each of these queues; empty if the broker does not say.
  public Map<String, Long> depths(List<String> queues) {
    var depths = new LinkedHashMap<String, Long>();
    states(queues).forEach((queue, state) -> depths.put(queue, state.messages()));
    return depths;
  }

  /// Goes once through what is ready in a queue. What `visitor` does not settle stays there, in its
  /// place; but the broker has counted one more delivery of it.
  ///
  /// @param visitor returns what completes when it has settled the message; nothing if it leaves it
  public void visit(String queue, Function<Delivery, Optional<CompletableFuture<Void>>> visitor)
      throws IOException {
    var _ = visitSome(queue, Integer.MAX_VALUE, visitor);
  }

  /// The same for the first `most` messages, all of which the visitor settles. Returns how many
  /// there were.
  public int visit(String queue, int most, Function<Delivery, CompletableFuture<Void>> visitor)
      throws IOException {
    return visitSome(queue, most, delivery -> Optional.of(visitor.apply(delivery)));
  }

  private int visitSome(
      String queue, int most, Function<Delivery, Optional<CompletableFuture<Void>>> visitor)
      throws IOException {
    try (Channel channel = delegate(consuming.createConnection()).createChannel()) {
      var settling = new ArrayList<CompletableFuture<Void>>();
      var unsettled = new Unsettled(channel, Runnable::run);
      for (long left = Math.min(most, channel.messageCount(queue)); left > 0; left--) {
        GetResponse message = channel.basicGet(queue, false);
        if (message == null) {
          break;
        }
        var delivery =
            new Delivery(
                unsettled, queue, message.getEnvelope(), message.getProps(), message.getBody());
        try (Scope _ = delivery.trace().makeCurrent()) {
          visitor.apply(delivery).ifPresent(settling::add);
        }
      }
      // Closing the channel gives back what is not settled by then.
      CompletableFuture.allOf(settling.toArray(CompletableFuture<?>[]::new)).join();
      return settling.size();
    } catch (TimeoutException | AmqpException | ShutdownSignalException e) {
      throw new IOException(e);
    }
  }

  /// Tries the address once. Returns nothing if it works, otherwise why not, in words for an
  /// operator.
  public static @Nullable String problemWith(URI address) {
    try {
      var factory = client(address);
      factory.setConnectionTimeout((int) Duration.ofSeconds(5).toMillis());
      factory.newConnection("symbiont checks").close();
      return null;
    } catch (com.rabbitmq.client.AuthenticationFailureException e) {
      return "the broker at %s refuses the login of user '%s'; check the user and password in SYMBIONT_BROKER"
          .formatted(shown(address), userOf(address));
    } catch (com.rabbitmq.client.PossibleAuthenticationFailureException e) {
      return "the broker at %s closed the connection during login; check user, password and virtual host in SYMBIONT_BROKER"
          .formatted(shown(address));
    } catch (IOException | TimeoutException | IllegalArgumentException e) {
      return "the broker at %s cannot be reached (%s); start it, or set SYMBIONT_BROKER to another one"
          .formatted(shown(address), reasonOf(e));
    }
  }

  /// The address without the password.
  public static String shown(URI address) {
    if (address.getHost() == null) {
      return "'%s'".formatted(address.getScheme() == null ? address : address.getScheme() + ":…");
    }
    return "%s://%s%s".formatted(address.getScheme(), address.getHost(), port(address));
  }

  /// Tests cut the connection with this.
  void dropConnections() {
    consuming.resetConnection();
    publishing.resetConnection();
  }

  @Override
  public void close() {
    closed = true;
    keeper.interrupt();
    consuming.destroy();
    publishing.destroy();
  }

  private void keepConnected() {
    boolean told = false;
    while (!closed) {
      try {
        // Creates the connection if there is none, and does nothing otherwise.
        consuming.createConnection();
        publishing.createConnection();
        told = false;
      } catch (AmqpException e) {
        if (!told && !closed) {
          log.warn(
              "no broker: {}; trying again every {} ms", reasonOf(e), RECONNECT_EVERY.toMillis());
          told = true;
        }
      }
      try {
        TimeUnit.MILLISECONDS.sleep(RECONNECT_EVERY.toMillis());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void connected(Connection connection) {
    com.rabbitmq.client.Connection raw = delegate(connection);
    try {
      declare(raw);
    } catch (IOException | TimeoutException e) {
      raw.abort();
      throw new AmqpException("declaring the topology failed: " + reasonOf(e), e);
    }
    synchronized (this) {
      current = raw;
      onConnect.forEach(action -> action.accept(raw));
    }
    log.info("connected to the broker at {}", raw.getAddress());
  }

  /// Brings back what somebody has deleted meanwhile.
  void declareAgain(com.rabbitmq.client.Connection connection) {
    try {
      declare(connection);
    } catch (IOException | TimeoutException | ShutdownSignalException e) {
      log.warn("declaring the topology failed: {}", reasonOf(e));
    }
  }

  private void declare(com.rabbitmq.client.Connection connection)
      throws IOException, TimeoutException {
    try (Channel channel = connection.createChannel()) {
      declare(channel);
    } catch (IOException e) {
      if (!wasClosedWith(AMQP.ACCESS_REFUSED, e)) {
        throw e;
      }
      // Where each role has a user of its own, somebody else has declared it all.
      try (Channel channel = connection.createChannel()) {
        check(channel);
      }
    }
  }

  private void declare(Channel channel) throws IOException {
    for (Topology.Exchange exchange : topology.exchanges()) {
      channel.exchangeDeclare(exchange.name(), exchange.type(), true, false, exchange.arguments());
    }
    for (Topology.Queue queue : topology.queues()) {
      channel.queueDeclare(queue.name(), true, false, false, queue.arguments());
    }
    for (Topology.Binding binding : topology.bindings()) {
      if (binding.toExchange()) {
        channel.exchangeBind(binding.destination(), binding.source(), binding.key());
      } else {
        channel.queueBind(binding.destination(), binding.source(), binding.key());
      }
    }
  }

  /// Bindings cannot be looked at; a message that finds none comes back.
  private void check(Channel channel) throws IOException {
    for (Topology.Exchange exchange : topology.exchanges()) {
      check("exchange", exchange.name(), channel::exchangeDeclarePassive);
    }
    for (Topology.Queue queue : topology.queues()) {
      check("queue", queue.name(), channel::queueDeclarePassive);
    }
  }

  private static void check(String kind, String name, PassiveDeclaration declaration)
      throws IOException {
    try {
      var _ = declaration.declare(name);
    } catch (IOException e) {
      if (!wasClosedWith(AMQP.NOT_FOUND, e)) {
        throw e;
      }
      // Without its cause, which says less.
      throw new IOException(
          "there is no %s '%s', and this user may not make it; import anew what `symbiont definitions` writes"
              .formatted(kind, name));
    }
  }

  private interface PassiveDeclaration {
    Object declare(String name) throws IOException;
  }

  private static boolean wasClosedWith(int code, IOException e) {
    return e.getCause() instanceof ShutdownSignalException shutdown
        && shutdown.getReason() instanceof AMQP.Channel.Close close
        && close.getReplyCode() == code;
  }

  private static CachingConnectionFactory factory(URI address, String name) {
    var factory = new CachingConnectionFactory(client(address));
    factory.setConnectionNameStrategy(_ -> name);
    return factory;
  }

  /// A plain client of that broker, which trusts no certificate that the platform does not.
  public static com.rabbitmq.client.ConnectionFactory client(URI address) {
    var factory = new com.rabbitmq.client.ConnectionFactory();
    if (address.getHost() == null || !String.valueOf(address.getScheme()).matches("amqps?")) {
      throw new IllegalArgumentException("it is not an amqp:// or amqps:// address");
    }
    try {
      // By the letter of the URI scheme a lone slash names the virtual host "", which nobody means.
      String text = address.toString();
      factory.setUri("/".equals(address.getPath()) ? text.substring(0, text.length() - 1) : text);
      if ("amqps".equals(address.getScheme())) {
        // The client's own default for amqps trusts any certificate.
        factory.useSslProtocol(SSLContext.getDefault());
        factory.enableHostnameVerification();
      }
    } catch (java.net.URISyntaxException | GeneralSecurityException e) {
      throw new IllegalArgumentException("it is not an amqp:// or amqps:// address", e);
    }
    factory.setAutomaticRecoveryEnabled(false);
    factory.setRequestedHeartbeat(HEARTBEAT_SECONDS);
    return factory;
  }

  private static com.rabbitmq.client.Connection delegate(Connection connection) {
    com.rabbitmq.client.Connection raw = connection.getDelegate();
    if (raw == null) {
      throw new AmqpException("the connection was closed meanwhile");
    }
    return raw;
  }

  private static String port(URI address) {
    return address.getPort() < 0 ? "" : ":" + address.getPort();
  }

  private static String userOf(URI address) {
    String info = address.getUserInfo();
    return info == null ? "guest" : info.split(":", 2)[0];
  }

  private static String reasonOf(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof ShutdownSignalException shutdown
        && shutdown.getReason() instanceof AMQP.Connection.Close close) {
      return close.getReplyText();
    }
    return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }
}
