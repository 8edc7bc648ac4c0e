package dev.symbiont.testing;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.topology.Topology;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.testcontainers.rabbitmq.RabbitMQContainer;

/// A real RabbitMQ, and a plain client on it for what a test puts in and looks at.
public final class TestBroker implements AutoCloseable {

  /// The tiers that tests configure; [#clean()] removes their queues.
  public static final List<String> TIERS = List.of("haiku", "sonnet", "opus");

  private static final String SETTING = "symbiont.test.broker";

  private final URI address;
  private final Runnable onClose;
  private final Connection connection;
  private final Channel channel;

  private TestBroker(URI address, Runnable onClose) {
    this.address = address;
    this.onClose = onClose;
    try {
      var factory = new ConnectionFactory();
      factory.setUri(address);
      this.connection = factory.newConnection("test");
      this.channel = connection.createChannel();
    } catch (Exception e) {
      onClose.run();
      throw new IllegalStateException(
          "the test broker at " + address.getHost() + " is out of reach", e);
    }
  }

  /// The broker that the test run names. Tests that need none of their own use [WithBroker].
  public static TestBroker start() {
    String setting = System.getProperty(SETTING, "private");
    return switch (setting) {
      case "private" -> startPrivate();
      case "container" -> startContainer();
      default -> new TestBroker(URI.create(setting), () -> {});
    };
  }

  /// A broker that the test runs itself.
  public static TestBroker at(URI address) {
    return new TestBroker(address, () -> {});
  }

  public URI address() {
    return address;
  }

  public Channel channel() {
    return channel;
  }

  /// Removes every queue and exchange of a fleet.
  public void clean() {
    clean(TIERS);
  }

  /// The same for a fleet with other tiers.
  public void clean(List<String> tiers) {
    Topology topology = Topology.of(tiers);
    quietly(
        () -> {
          for (Topology.Queue queue : topology.queues()) {
            channel.queueDelete(queue.name());
          }
          for (Topology.Exchange exchange : topology.exchanges()) {
            channel.exchangeDelete(exchange.name());
          }
        });
  }

  public void publish(String exchange, String key, AMQP.BasicProperties properties, byte[] body) {
    quietly(() -> channel.basicPublish(exchange, key, properties, body));
  }

  /// The next message of a queue, which is taken out of it, within ten seconds.
  public GetResponse take(String queue) {
    return Awaitility.await("a message in " + queue)
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> Optional.ofNullable(channel.basicGet(queue, true)), Optional::isPresent)
        .orElseThrow();
  }

  public long depth(String queue) {
    try {
      return channel.messageCount(queue);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A queue of the test's own, gone with the connection.
  public String replyQueue() {
    try {
      return channel.queueDeclare().getQueue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    connection.close();
    onClose.run();
  }

  private static TestBroker startPrivate() {
    Path root = Path.of(System.getProperty("symbiont.root", ".")).toAbsolutePath();
    String node = root.resolve("ops/broker/node").toString();
    try {
      String folder = Files.createTempDirectory("symbiont-test-broker").toString();
      String address = run(node, "start", folder);
      return new TestBroker(URI.create(address), () -> run(node, "stop", folder));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TestBroker startContainer() {
    var container = new RabbitMQContainer("rabbitmq:4-management");
    container.start();
    var address =
        "amqp://%s:%s@%s:%d"
            .formatted(
                container.getAdminUsername(),
                container.getAdminPassword(),
                container.getHost(),
                container.getAmqpPort());
    return new TestBroker(URI.create(address), container::stop);
  }

  private static String run(String... command) {
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String out =
          new String(
              process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + " failed");
      }
      return out.strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static void quietly(BrokerAction action) {
    try {
      action.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private interface BrokerAction {
    void run() throws IOException;
  }
}
