package dev.symbiont.router.amqp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.router.policy.Rule;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What is not a task is kept with its reason, exactly as it came, and delays nothing.
@WithBroker
class RouterDeskRefusalIT {

  private static final String GOOD = "{\"task\":\"x\",\"force_tier\":\"opus\"}";

  static Stream<Arguments> refused() throws IOException {
    return Stream.of(
        Arguments.of("no JSON", null, bytes("Summarize this"), "the body is not a JSON object"),
        Arguments.of("empty", null, bytes(""), "the body is not a JSON object"),
        Arguments.of("no prompt", null, bytes("{\"id\":\"a\"}"), "task: is required"),
        Arguments.of("another type", null, bytes("{\"task\":[1]}"), "task: "),
        Arguments.of("deep", null, bytes(deep()), "the body is not a JSON object"),
        Arguments.of("5 MB", null, large(5_000_000), "task: the message has 5000000 bytes"),
        Arguments.of("serialized Java", null, serialized(), "the body is not a JSON object"),
        Arguments.of(
            "unknown tier",
            null,
            bytes("{\"task\":\"x\",\"force_tier\":\"gpt\"}"),
            "force_tier: unknown tier 'gpt' (known: haiku, sonnet, opus)"),
        Arguments.of(
            "unknown version",
            "symbiont.task.v2",
            bytes(GOOD),
            "unknown schema 'symbiont.task.v2'"),
        Arguments.of("unknown type", "order", bytes(GOOD), "unknown schema 'order'"),
        Arguments.of(
            "not for producers",
            "symbiont.accepted.v1",
            accepted(),
            "type: must be symbiont.task.v1"));
  }

  @SuppressWarnings("JavaUtilDate") // the type of the AMQP client
  @ParameterizedTest(name = "{0}")
  @MethodSource("refused")
  void itIsSetAsideAsItCameAndTheNextTaskGoesOn(
      String name,
      @org.jspecify.annotations.Nullable String type,
      byte[] body,
      String reason,
      TestBroker broker) {
    var sent =
        new BasicProperties.Builder()
            .type(type)
            .messageId("m-1")
            .correlationId("c-1")
            .replyTo("reports.answers")
            .contentType("text/plain")
            .contentEncoding("utf-8")
            .appId("reports")
            .priority(3)
            .timestamp(new Date(1_711_123_456_000L))
            .headers(Map.of("team", "support", "run", 42))
            .build();
    try (var _ = RunningRouter.start(broker)) {
      broker.publish(Topology.TASKS, "normal", sent, body);
      broker.publish(Topology.TASKS, "normal", new BasicProperties(), bytes(GOOD));

      assertThat(broker.take("symbiont.tier.opus.normal").getBody()).isNotEmpty();
      var kept = broker.take(Topology.DEAD_LETTERS);
      assertThat(kept.getBody()).isEqualTo(body);
      assertThat(reasonOf(kept)).startsWith(reason).hasLineCount(1);
      assertThat(header(kept, Topology.SOURCE_HEADER)).isEqualTo("symbiont.inbox.normal");
      assertThat(header(kept, "team")).isEqualTo("support");
      assertThat(header(kept, "run")).isEqualTo("42");
      assertThat(kept.getProps())
          .usingRecursiveComparison()
          .ignoringFields("headers", "deliveryMode", "bodySize")
          .isEqualTo(sent);
      assertThat(kept.getProps().getDeliveryMode()).isEqualTo(2);
      assertThat(broker.depth("symbiont.inbox.normal")).isZero();
    }
  }

  @Test
  void theLedgerIsToldOfWhatWasSetAside(TestBroker broker) throws Exception {
    try (var _ = RunningRouter.start(broker)) {
      broker.publish(Topology.TASKS, "high", new BasicProperties(), bytes("no task"));

      var entry = LedgerEntry.next(broker);
      assertThat(entry.delivery().getEnvelope().getExchange()).isEqualTo(Topology.DEAD_LETTERS);
      assertThat(header(entry.properties(), Topology.SOURCE_HEADER))
          .isEqualTo("symbiont.inbox.high");
    }
  }

  @Test
  void aResultCannotBeSentToAQueueOfTheFleet(TestBroker broker) {
    var asking = new BasicProperties.Builder().replyTo("symbiont.tier.opus.high").build();
    try (var _ = RunningRouter.start(broker)) {
      broker.publish(Topology.TASKS, "normal", asking, bytes(GOOD));

      assertThat(reasonOf(broker.take(Topology.DEAD_LETTERS)))
          .isEqualTo("reply_to: must not be a queue of the fleet");
      assertThat(broker.depth("symbiont.tier.opus.normal")).isZero();
    }
  }

  @Test
  void anExpirationDoesNotDropWhatIsKept(TestBroker broker) {
    var shortLived = new BasicProperties.Builder().expiration("60000").build();
    try (var _ = RunningRouter.start(broker)) {
      broker.publish(Topology.TASKS, "normal", shortLived, bytes("no task"));

      assertThat(broker.take(Topology.DEAD_LETTERS).getProps().getExpiration()).isNull();
    }
  }

  @Test
  void rubbishOnTheClassifiedQueueIsSetAsideToo(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      for (String type : List.of("symbiont.call.v1", "symbiont.task.v1", "order")) {
        var claiming = new BasicProperties.Builder().type(type).build();
        broker.publish(
            Topology.FLOW, Topology.CALL_CLASSIFIED, claiming, bytes("{\"task\":\"x\"}"));

        var kept = broker.take(Topology.DEAD_LETTERS);
        assertThat(header(kept, Topology.SOURCE_HEADER)).isEqualTo(Topology.CLASSIFIED);
        assertThat(reasonOf(kept)).isNotBlank();
      }
    }
  }

  @Test
  void aMessageStaysInTheInboxUntilItCanBeKeptElsewhere(TestBroker broker) throws IOException {
    try (var router = RunningRouter.connected(broker)) {
      broker.channel().queueDelete(Topology.DEAD_LETTERS);
      broker.channel().queueDelete(Topology.LEDGER);
      broker.publish(Topology.TASKS, "normal", new BasicProperties(), bytes("no task"));
      router.takeWork();
      Awaitility.await("the message is held")
          .atMost(Duration.ofSeconds(10))
          .until(() -> broker.depth("symbiont.inbox.normal") == 0);

      broker
          .channel()
          .queueDeclare(
              Topology.DEAD_LETTERS, true, false, false, Map.of("x-queue-type", "quorum"));
      broker.channel().queueBind(Topology.DEAD_LETTERS, Topology.DEAD_LETTERS, "");

      assertThat(broker.take(Topology.DEAD_LETTERS).getBody()).isEqualTo(bytes("no task"));
    }
  }

  @Test
  void aProducersOwnHeadersAreKeptWhateverTheirNames(TestBroker broker) {
    var traced =
        new BasicProperties.Builder().headers(Map.of("x-request-id", "r-1", "team", "a")).build();
    try (var _ = RunningRouter.start(broker)) {
      broker.publish(Topology.TASKS, "normal", traced, bytes("no task"));

      var kept = broker.take(Topology.DEAD_LETTERS);
      assertThat(header(kept, "team")).isEqualTo("a");
      assertThat(header(kept, "x-request-id")).isEqualTo("r-1");
    }
  }

  @Test
  void headersThatLeaveNoRoomForTheReasonDoNotHoldTheMessageBack(TestBroker broker) {
    var full = new BasicProperties.Builder().headers(Map.of("h", "a".repeat(131_000))).build();
    try (var _ = RunningRouter.start(broker)) {
      broker.publish(Topology.TASKS, "normal", full, bytes("no task"));

      assertThat(broker.take(Topology.DEAD_LETTERS).getBody()).isEqualTo(bytes("no task"));
    }
  }

  @Test
  void aRuleThatOverflowsTheStackHoldsNothingBack(TestBroker broker) throws Exception {
    var rule = new Rule(Pattern.compile("(?i)^(.|\\n)*summary"), "opus");
    try (var _ = RunningRouter.start(broker, rule)) {
      broker.publish(
          Topology.TASKS,
          "normal",
          new BasicProperties(),
          bytes("{\"task\":\"%s\"}".formatted("x".repeat(50_000))));

      assertThat(LedgerEntry.next(broker).delivery().getBody()).isNotEmpty();
    }
  }

  private static byte[] bytes(String body) {
    return body.getBytes(UTF_8);
  }

  private static String deep() {
    return "{\"task\":\"x\",\"json_schema\":" + "{\"a\":".repeat(10_000) + "1" + "}".repeat(10_001);
  }

  private static byte[] large(int size) {
    var frame = bytes("{\"task\":\"\"}").length;
    return bytes("{\"task\":\"%s\"}".formatted("x".repeat(size - frame)));
  }

  private static byte[] serialized() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var out = new ObjectOutputStream(bytes)) {
      out.writeObject("task");
    }
    return bytes.toByteArray();
  }

  private static byte[] accepted() {
    var task = Task.of("x").withId("stolen").withForceTier("opus");
    return Codec.encode(
        new AcceptedTask(task, RunningRouter.NOW, Reply.toGateway("reply.gateway-1"), false));
  }

  private static String reasonOf(GetResponse kept) {
    return header(kept, Topology.REASON_HEADER);
  }

  private static String header(GetResponse kept, String name) {
    return header(kept.getProps(), name);
  }

  private static String header(BasicProperties properties, String name) {
    return String.valueOf(properties.getHeaders().get(name));
  }
}
