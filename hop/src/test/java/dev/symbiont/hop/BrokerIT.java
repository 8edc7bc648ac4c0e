package dev.symbiont.hop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;

@WithBroker
class BrokerIT {

  @Test
  void anAddressThatWorksHasNoProblem(TestBroker broker) {
    assertThat(Broker.problemWith(broker.address())).isNull();
    assertThat(Broker.problemWith(URI.create(broker.address() + "/"))).isNull();
  }

  @Test
  void aWrongPasswordIsSaidWithoutTellingIt(TestBroker broker) {
    URI right = broker.address();
    var wrong =
        URI.create("amqp://symbiont:s3cr3t@%s:%d".formatted(right.getHost(), right.getPort()));

    assertThat(Broker.problemWith(wrong))
        .contains("user 'symbiont'", "SYMBIONT_BROKER", right.getHost())
        .doesNotContain("s3cr3t")
        .hasLineCount(1);
  }

  @Test
  void aClosedPortIsSaidWithoutTellingThePassword() throws IOException {
    int port;
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }

    assertThat(Broker.problemWith(URI.create("amqp://symbiont:s3cr3t@127.0.0.1:" + port)))
        .contains("cannot be reached", "127.0.0.1:" + port, "refused")
        .doesNotContain("s3cr3t")
        .hasLineCount(1);
  }

  @Test
  void anUnknownVirtualHostIsSaidWithoutTellingThePassword(TestBroker broker) {
    String password = broker.address().getUserInfo().split(":", 2)[1];

    assertThat(Broker.problemWith(URI.create(broker.address() + "/nowhere")))
        .isNotNull()
        .doesNotContain(password)
        .hasLineCount(1);
  }

  @Test
  void anAddressOfAnotherKindIsSaid() {
    assertThat(Broker.problemWith(URI.create("http://symbiont:s3cr3t@127.0.0.1")))
        .isNotNull()
        .doesNotContain("s3cr3t")
        .hasLineCount(1);
  }

  @Test
  void theTopologyIsThereAfterTheFirstConnect(TestBroker broker) throws IOException {
    try (Fleet _ = Fleet.on(broker)) {
      for (Topology.Queue queue : Fleet.TOPOLOGY.queues()) {
        broker.channel().queueDeclarePassive(queue.name());
      }
      for (Topology.Exchange exchange : Fleet.TOPOLOGY.exchanges()) {
        broker.channel().exchangeDeclarePassive(exchange.name());
      }
    }
  }

  @Test
  void depthsAreThoseOfTheQueues(TestBroker broker) {
    String inbox = Topology.inbox(Priority.NORMAL);
    try (Fleet fleet = Fleet.on(broker)) {
      broker.publish(Topology.TASKS, "normal", Fleet.BARE, new byte[0]);
      broker.publish(Topology.TASKS, "a typing error", Fleet.BARE, new byte[0]);

      org.awaitility.Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(fleet.broker.depths(List.of(inbox, Topology.LEDGER)))
                      .containsEntry(inbox, 2L)
                      .containsEntry(Topology.LEDGER, 0L));
      assertThat(fleet.broker.depths(List.of("no.such.queue"))).isEmpty();
    }
  }
}
