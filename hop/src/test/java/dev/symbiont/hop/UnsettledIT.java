package dev.symbiont.hop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What is settled, together or one by one, and what is not.
@WithBroker
class UnsettledIT {

  private static final String INBOX = Topology.inbox(Priority.NORMAL);
  private static final int COUNT = 20;
  private static final AMQP.BasicProperties PERSISTENT =
      new AMQP.BasicProperties.Builder().deliveryMode(2).build();

  private final List<Runnable> laters = new ArrayList<>();
  private TestBroker broker;
  private Fleet fleet;
  private Connection connection;
  private Channel channel;
  private Unsettled unsettled;
  private List<Long> tags;

  @BeforeEach
  void deliver(TestBroker toBroker) throws Exception {
    broker = toBroker;
    fleet = Fleet.on(toBroker);
    for (int i = 0; i < COUNT; i++) {
      broker.publish(Topology.TASKS, "normal", PERSISTENT, ("task " + i).getBytes(UTF_8));
    }
    await().until(() -> broker.depth(INBOX) == COUNT);
    var factory = new ConnectionFactory();
    factory.setUri(broker.address());
    connection = factory.newConnection("unsettled");
    channel = connection.createChannel();
    unsettled = new Unsettled(channel, laters::add);
    tags = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      GetResponse message = channel.basicGet(INBOX, false);
      tags.add(message.getEnvelope().getDeliveryTag());
      unsettled.delivered(message.getEnvelope().getDeliveryTag());
    }
  }

  @AfterEach
  void disconnect() throws Exception {
    if (connection.isOpen()) {
      connection.close();
    }
    fleet.close();
  }

  @Test
  void acknowledgementsThatComeCloseTogetherWaitForOneAnother() throws Exception {
    tags.forEach(unsettled::acknowledge);

    assertThat(laters).hasSize(1);
    assertLeft(COUNT);
  }

  @Test
  void inOrderTheyAreAllSettled() throws Exception {
    tags.forEach(unsettled::acknowledge);
    laters.forEach(Runnable::run);

    assertLeft(0);
  }

  @Test
  void whatIsNotAcknowledgedComesAgainWhateverIsSettledAroundIt() throws Exception {
    List<Long> kept = List.of(tags.getFirst(), tags.get(7), tags.getLast());
    tags.stream().filter(it -> !kept.contains(it)).forEach(unsettled::acknowledge);
    laters.forEach(Runnable::run);

    assertLeft(3);
  }

  @Test
  void inAnyOrderAndInAnyPartsExactlyThoseAreSettled() throws Exception {
    var random = new Random(7);
    var mixed = new ArrayList<>(tags);
    java.util.Collections.shuffle(mixed, random);
    for (long tag : mixed.subList(0, 13)) {
      unsettled.acknowledge(tag);
      if (random.nextInt(3) == 0) {
        laters.forEach(Runnable::run);
        laters.clear();
      }
    }
    unsettled.putBack(mixed.get(13));
    laters.forEach(Runnable::run);

    assertLeft(7);
  }

  @Test
  void allUpToOneAreSettledWithIt() throws Exception {
    IntStream.range(0, 5).forEach(i -> unsettled.acknowledge(tags.get(2 * i)));
    unsettled.acknowledgeUpTo(tags.get(9));
    laters.forEach(Runnable::run);

    assertLeft(10);
  }

  /// So many messages are there again when the channel is gone.
  private void assertLeft(int count) throws Exception {
    assertThat(channel.isOpen()).as("no tag was settled twice").isTrue();
    connection.close();
    // One that is put behind them: when it is there, they are.
    fleet
        .publisher
        .publish(new Parcel(Topology.TASKS, "normal", PERSISTENT, new byte[0], true))
        .get();
    await().until(() -> broker.depth(INBOX), it -> it == count + 1);
  }
}
