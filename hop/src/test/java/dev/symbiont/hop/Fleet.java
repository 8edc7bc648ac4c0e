package dev.symbiont.hop;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.testing.TestBroker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/// One part of a fleet on the test's broker: connected, and with its topology declared.
final class Fleet implements AutoCloseable {

  static final Topology TOPOLOGY = Topology.of(TestBroker.TIERS);

  /// What a careless client sends along.
  static final AMQP.BasicProperties BARE = new AMQP.BasicProperties();

  final Broker broker;
  final Publisher publisher;
  final Hop hop;

  private Fleet(URI address, String name) {
    broker = new Broker(address, name, TOPOLOGY);
    publisher = new Publisher(broker);
    hop = new Hop(publisher);
    var connected = new CompletableFuture<Void>();
    broker.onConnect(_ -> connected.complete(null));
    broker.start();
    Awaitility.await().atMost(Duration.ofSeconds(10)).until(connected::isDone);
  }

  static Fleet on(TestBroker broker) {
    return new Fleet(broker.address(), "test part");
  }

  static Fleet on(URI address) {
    return new Fleet(address, "test part");
  }

  /// Its end within the bound of every test here.
  static <T> T soon(CompletableFuture<T> future) {
    return future.orTimeout(20, TimeUnit.SECONDS).join();
  }

  /// A queue of the test's own that gets what goes to the ledger, whose queue has one consumer and
  /// cannot be looked into.
  static String tap(TestBroker broker, String key) {
    String queue = broker.replyQueue();
    try {
      broker.channel().queueBind(queue, Topology.FLOW, key);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return queue;
  }

  static AcceptedTask task(String id) {
    return new AcceptedTask(
        Task.of("the prompt of " + id).withId(id),
        Instant.parse("2026-03-01T12:00:00Z"),
        Reply.NONE,
        false);
  }

  static Parcel parcel(String id) {
    return Parcel.step(Topology.acceptedKey(dev.symbiont.contract.Priority.NORMAL), task(id));
  }

  @Override
  public void close() {
    publisher.close();
    broker.close();
  }
}
