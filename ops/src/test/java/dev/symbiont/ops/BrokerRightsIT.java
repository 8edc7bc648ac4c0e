package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.ShutdownSignalException;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.testing.TestBroker;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every user tries everything, on a broker without a fleet: what its role has no need of is
/// refused.
class BrokerRightsIT {

  private static final Topology TOPOLOGY = Topology.of(TestBroker.TIERS);

  private static final List<String> OTHER_EXCHANGES =
      List.of("", "amq.direct", "amq.fanout", "amq.topic", "amq.headers");

  /// Of all that is said in a fleet, and of what nobody says.
  private static final List<String> KEYS =
      List.of(
          "task.accepted.high",
          "task.accepted.low",
          "call.requested.haiku.high",
          "call.requested.opus.low",
          "task.routed.haiku.high",
          "task.routed.opus.low",
          "task.parked.opus",
          "call.ended.classified",
          "call.ended.retried",
          "call.declined",
          "task.succeeded",
          "task.failed",
          "task.cancelled",
          "task.expired",
          "task.set_aside",
          "task.discarded",
          "tier.open.haiku",
          "tier.paused.opus",
          "tier.state.sonnet",
          "worker.started",
          "worker.heartbeat",
          "worker.stopped",
          "ledger.ask",
          "reply.gateway-1-abc",
          "reply.dispatcher-1-abc",
          "reply.router-1-abc",
          "reply.operator-1-abc",
          "key.set",
          "webhook.due",
          "webhook.later.5",
          "text.task-1",
          "message.set_aside",
          "anything");

  private static final List<String> BOUND_KEYS =
      List.of(
          "#",
          "*",
          "task.#",
          "task.succeeded",
          "call.#",
          "tier.#",
          "worker.#",
          "ledger.ask",
          "reply.#",
          "reply.*",
          "reply.gateway-1-abc",
          "reply.dispatcher-1-abc",
          "reply.operator-1-abc",
          "key.set",
          "webhook.due",
          "text.task-1",
          "message.set_aside");

  @TempDir private static Path folder;
  private static ProvisionedNode broker;

  private interface Action {
    void on(Channel channel) throws Exception;
  }

  @BeforeAll
  static void start() throws Exception {
    broker = ProvisionedNode.start(folder);
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  /// The second column has all that the user may do. It holds more than the role needs only because
  /// one right allows to consume and to purge, and because the broker does not tell the exchange of
  /// the dead letters from their queue.
  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          gateway    | own queue; consume symbiont.webhooks; purge symbiont.webhooks; publish symbiont.dead-letters; say task.accepted.*; say webhook.later.*; say ledger.ask; say worker.*; hear reply.gateway-1-abc; hear key.set; hear text.*
          router     | consume symbiont.inbox.*; purge symbiont.inbox.*; consume symbiont.classified; purge symbiont.classified; publish symbiont.dead-letters; say task.routed.*; say call.requested.*; say worker.*
          dispatcher | own queue; consume symbiont.tier.*.high; consume symbiont.tier.*.normal; consume symbiont.tier.*.low; purge symbiont.tier.*.high; purge symbiont.tier.*.normal; purge symbiont.tier.*.low; publish symbiont.dead-letters; publish the default exchange; say task.routed.*; say task.parked.opus; say call.ended.*; say call.declined; say task.succeeded; say task.failed; say task.cancelled; say task.expired; say task.set_aside; say ledger.ask; say text.*; say reply.gateway-1-abc; say worker.*; hear tier.#; hear reply.dispatcher-1-abc; bind symbiont.dead-letters
          ledger     | consume symbiont.ledger; purge symbiont.ledger; consume symbiont.dead-letters; purge symbiont.dead-letters; consume symbiont.tier.*.parked; purge symbiont.tier.*.parked; publish symbiont.dead-letters; publish symbiont.tasks; publish the default exchange; say task.accepted.*; say task.routed.*; say call.requested.*; say call.ended.classified; say task.succeeded; say task.failed; say task.cancelled; say task.expired; say task.set_aside; say task.discarded; say tier.*; say webhook.due; say key.set; say reply.gateway-1-abc; say reply.dispatcher-1-abc; say reply.operator-1-abc; say worker.*; unbind symbiont.dead-letters from symbiont.dead-letters*
          operator   | own queue; say ledger.ask; hear reply.operator-1-abc
          producer   | own queue; publish symbiont.tasks
          watcher    | own queue; watch *
          """)
  void whatARoleDoesNotNeedIsRefused(String role, String allowed) throws Exception {
    Map<String, Action> attempts = attempts();
    String expected =
        Stream.of(allowed.split("; ", -1))
            .map(it -> it.replace(".", "\\.").replace("*", ".*"))
            .collect(Collectors.joining("|"));

    Set<String> worked = new TreeSet<>();
    try (Connection connection = connect(broker.address(role))) {
      for (Map.Entry<String, Action> attempt : attempts.entrySet()) {
        if (works(connection, attempt.getValue())) {
          worked.add(attempt.getKey());
        }
      }
    }

    assertThat(attempts).hasSizeGreaterThan(150);
    assertThat(worked)
        .isEqualTo(
            attempts.keySet().stream()
                .filter(it -> it.matches(expected))
                .collect(Collectors.toCollection(TreeSet::new)));
  }

  /// Else it could speak for the ledger-writer.
  @Test
  void aProducersCopiesComeToTheInboxAlone() throws Exception {
    try (Connection connection = connect(broker.address("producer"));
        Channel channel = connection.createChannel();
        TestBroker operator = TestBroker.at(broker.operator())) {
      String inbox = Topology.inbox(Priority.NORMAL);
      operator.channel().queuePurge(inbox);
      operator.channel().queuePurge(Topology.LEDGER);
      var copies =
          List.of("task.succeeded", "call.ended.retried", Topology.LEDGER, "reply.gateway-1-abc");

      channel.confirmSelect();
      channel.basicPublish(
          Topology.TASKS,
          "normal",
          new AMQP.BasicProperties.Builder().headers(Map.of("CC", copies, "BCC", copies)).build(),
          new byte[0]);
      channel.waitForConfirmsOrDie();

      assertThat(operator.depth(inbox)).isEqualTo(1);
      assertThat(operator.depth(Topology.LEDGER)).isZero();
    }
  }

  /// A fleet whose user may declare finds what it would have declared itself.
  @Test
  void whatIsImportedIsWhatARoleDeclares() throws Exception {
    try (Connection connection = connect(broker.operator());
        Channel channel = connection.createChannel()) {
      for (Topology.Exchange exchange : TOPOLOGY.exchanges()) {
        channel.exchangeDeclare(
            exchange.name(), exchange.type(), true, false, exchange.arguments());
      }
      for (Topology.Queue queue : TOPOLOGY.queues()) {
        channel.queueDeclare(queue.name(), true, false, false, queue.arguments());
      }
    }
  }

  @Test
  void aRoleSaysWhatIsMissingAndGoesOnWhenItIsThere() throws Exception {
    var environment = Map.of("SYMBIONT_BROKER", broker.address("router").toString());
    String missing =
        "there is no queue 'symbiont.classified', and this user may not make it; import anew what `symbiont definitions` writes";
    try (TestBroker operator = TestBroker.at(broker.operator())) {
      operator.channel().queueDelete(Topology.CLASSIFIED);
      try (var router = SymbiontProcess.start(folder, environment, "start", "router")) {
        router.awaitOutput("no broker: " + missing);
        broker.importDefinitions();
        router.awaitOutput("connected to the broker");

        operator.channel().queueDelete(Topology.CLASSIFIED);
        router.awaitOutput("declaring the topology failed: " + missing);
        broker.importDefinitions();

        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> operator.channel().consumerCount(Topology.CLASSIFIED) == 1);
      }
    }
  }

  @Test
  void filesAreTheirOwnersAloneAndPasswordsStay() throws Exception {
    Map<String, String> before = addresses();

    broker.writeDefinitions();

    assertThat(addresses()).hasSize(7).isEqualTo(before);
    try (Stream<Path> files = Files.list(broker.definitions())) {
      assertThat(files.toList())
          .hasSize(8)
          .allSatisfy(
              it ->
                  assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(it)))
                      .isEqualTo("rw-------"));
    }
  }

  private static Map<String, String> addresses() throws Exception {
    var addresses = new HashMap<String, String>();
    for (BrokerRights rights : BrokerRights.of(TestBroker.TIERS)) {
      addresses.put(rights.role(), broker.address(rights.role()).toString());
    }
    return addresses;
  }

  private static Map<String, Action> attempts() {
    var attempts = new LinkedHashMap<String, Action>();
    for (Topology.Queue it : TOPOLOGY.queues()) {
      String queue = it.name();
      attempts.put(
          "declare queue " + queue,
          channel -> channel.queueDeclare(queue, true, false, false, it.arguments()));
      attempts.put("delete queue " + queue, channel -> channel.queueDelete(queue));
      attempts.put(
          "consume " + queue,
          channel -> channel.basicConsume(queue, false, new DefaultConsumer(channel)));
      attempts.put("purge " + queue, channel -> channel.queuePurge(queue));
      attempts.put(
          "bind " + queue, channel -> channel.queueBind(queue, Topology.FLOW, Topology.ANY_TIER));
    }
    for (Topology.Binding it : TOPOLOGY.bindings()) {
      attempts.put(
          "unbind %s from %s, %s".formatted(it.destination(), it.source(), it.key()),
          channel -> {
            if (it.toExchange()) {
              channel.exchangeUnbind(it.destination(), it.source(), it.key());
            } else {
              channel.queueUnbind(it.destination(), it.source(), it.key());
            }
          });
    }
    for (Topology.Exchange it : TOPOLOGY.exchanges()) {
      String exchange = it.name();
      attempts.put(
          "declare exchange " + exchange,
          channel -> channel.exchangeDeclare(exchange, it.type(), true, false, it.arguments()));
      attempts.put("delete exchange " + exchange, channel -> channel.exchangeDelete(exchange));
      attempts.put("publish " + exchange, channel -> publish(channel, exchange, "high"));
      attempts.put(
          "feed " + exchange, channel -> channel.exchangeBind(exchange, Topology.FLOW, "task.#"));
      if (!it.type().equals("topic")) {
        attempts.put("hear all of " + exchange, channel -> bindOwn(channel, exchange, "normal"));
      }
    }
    for (String exchange : OTHER_EXCHANGES) {
      String name = exchange.isEmpty() ? "the default exchange" : exchange;
      attempts.put("publish " + name, channel -> publish(channel, exchange, Topology.LEDGER));
    }
    for (String key : KEYS) {
      attempts.put("say " + key, channel -> publish(channel, Topology.FLOW, key));
      attempts.put("forge event " + key, channel -> publish(channel, Topology.EVENTS, key));
    }
    for (String key : BOUND_KEYS) {
      attempts.put("hear " + key, channel -> bindOwn(channel, Topology.FLOW, key));
      attempts.put("watch " + key, channel -> bindOwn(channel, Topology.EVENTS, key));
    }
    attempts.put("own queue", Channel::queueDeclare);
    attempts.put(
        "a queue that has a name",
        channel -> channel.queueDeclare("mine", false, true, true, Map.of()));
    attempts.put(
        "a queue that looks like one of the fleet's",
        channel -> channel.queueDeclare("symbiont.tier.mine", false, true, true, Map.of()));
    attempts.put(
        "a new exchange", channel -> channel.exchangeDeclare("mine", "fanout", false, true, null));
    return attempts;
  }

  private static void publish(Channel channel, String exchange, String key) throws Exception {
    channel.confirmSelect();
    channel.basicPublish(exchange, key, new AMQP.BasicProperties(), new byte[0]);
    channel.waitForConfirmsOrDie();
  }

  private static void bindOwn(Channel channel, String exchange, String key) throws Exception {
    channel.queueBind(channel.queueDeclare().getQueue(), exchange, key);
  }

  /// Whether it is done; anything but a refusal fails the test.
  private static boolean works(Connection connection, Action attempt) throws Exception {
    Channel channel = connection.createChannel();
    try {
      attempt.on(channel);
      channel.close();
      return true;
    } catch (Exception e) {
      if (isRefusal(e) || isRefusal(e.getCause())) {
        return false;
      }
      throw e;
    }
  }

  private static boolean isRefusal(@Nullable Throwable e) {
    return e instanceof ShutdownSignalException shutdown
        && shutdown.getReason() instanceof AMQP.Channel.Close close
        && close.getReplyCode() == AMQP.ACCESS_REFUSED;
  }

  private static Connection connect(URI address) throws Exception {
    var factory = new ConnectionFactory();
    factory.setUri(address);
    return factory.newConnection("rights");
  }
}
