package dev.symbiont.router.amqp;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.testing.TestBroker;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// What a ledger-writer would get. Its queue has a single active consumer, so that a message cannot
/// simply be fetched from it.
record LedgerEntry(Delivery delivery) {

  static LedgerEntry next(TestBroker broker) throws Exception {
    var next = new CompletableFuture<Delivery>();
    try (Channel channel = channel(broker)) {
      channel.basicQos(1);
      channel.basicConsume(
          Topology.LEDGER, false, (_, message) -> next.complete(message), _ -> next.cancel(false));
      Delivery message = next.get(10, TimeUnit.SECONDS);
      channel.basicAck(message.getEnvelope().getDeliveryTag(), false);
      return new LedgerEntry(message);
    }
  }

  BasicProperties properties() {
    return delivery.getProperties();
  }

  private static Channel channel(TestBroker broker) throws IOException {
    return broker.channel().getConnection().createChannel();
  }
}
