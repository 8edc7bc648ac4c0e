package dev.symbiont.router.amqp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.hop.Parcel;
import dev.symbiont.router.policy.Rule;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@WithBroker
class RouterDeskIT {

  private static final BasicProperties NOTHING = new BasicProperties();

  @Test
  void aTaskThatIsNothingButAPromptIsClassified(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      publish(broker, "normal", NOTHING, "{\"task\":\"Summarize this email\"}");

      var question = broker.take("symbiont.tier.haiku.normal");
      assertThat(question.getProps().getType()).isEqualTo("symbiont.classification.v1");
      assertThat(question.getEnvelope().getRoutingKey()).isEqualTo("call.requested.haiku.normal");
      var asked = (Classification) message(question);
      assertThat(asked.accepted().task().id()).matches("task-%d-[0-9a-f]{16}".formatted(seconds()));
      assertThat(asked.accepted().task().task()).isEqualTo("Summarize this email");
      assertThat(asked.accepted().acceptedAt()).isEqualTo(RunningRouter.NOW);
      assertThat(asked.accepted().reply()).isEqualTo(Reply.NONE);
      assertThat(asked.accepted().possibleDuplicate()).isFalse();
    }
  }

  @Test
  void theSameMessageIsTheLedgersEntry(TestBroker broker) throws Exception {
    try (var _ = RunningRouter.start(broker)) {
      publish(broker, "normal", NOTHING, "{\"task\":\"x\"}");

      var question = broker.take("symbiont.tier.haiku.normal");
      var entry = LedgerEntry.next(broker);
      assertThat(entry.delivery().getBody()).isEqualTo(question.getBody());
      assertThat(entry.properties().getMessageId()).isEqualTo(question.getProps().getMessageId());
      assertThat(entry.properties().getDeliveryMode()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @EnumSource(Priority.class)
  void aForcedTaskGoesStraightToItsTierInItsOwnPriority(Priority priority, TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      var body =
          "{\"task\":\"x\",\"force_tier\":\"opus\",\"priority\":\"%s\"}".formatted(priority.wire());
      publish(broker, priority.wire(), NOTHING, body);

      var routed = (RoutedTask) message(broker.take(Topology.tier("opus", priority)));
      assertThat(routed.decision().decidedBy()).isEqualTo(DecidedBy.FORCED);
      assertThat(routed.tier()).isEqualTo("opus");
      assertThat(routed.attempt()).isEqualTo(1);
      assertThat(routed.tried()).isEmpty();
    }
  }

  @Test
  void aRuleDecidesWithoutAClassification(TestBroker broker) {
    var rule = new Rule(Pattern.compile("(?i)^summari[sz]e"), "haiku");
    try (var _ = RunningRouter.start(broker, rule)) {
      publish(broker, "normal", NOTHING, "{\"task\":\"Summarize this\"}");

      var routed = (RoutedTask) message(broker.take("symbiont.tier.haiku.normal"));
      assertThat(routed.decision().decidedBy()).isEqualTo(DecidedBy.RULE);
    }
  }

  @Test
  void aClassificationThatCannotBeMadeSendsTheTaskToTheDefaultTier(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      publish(broker, "normal", NOTHING, "{\"task\":\"x\"}");
      var question = (Classification) message(broker.take("symbiont.tier.haiku.normal"));
      Parcel declined =
          Parcel.step(Topology.CALL_DECLINED, question.declined("haiku is closed: limit"));
      broker.publish(declined.exchange(), declined.key(), declined.properties(), declined.body());

      var routed = (RoutedTask) message(broker.take("symbiont.tier.sonnet.normal"));
      assertThat(routed.taskId()).isEqualTo(question.taskId());
      assertThat(routed.decision().decidedBy()).isEqualTo(DecidedBy.DEFAULT);
      assertThat(routed.decision().reason()).contains("haiku is closed: limit");
      assertThat(routed.decision().costUsd()).isZero();
    }
  }

  @Test
  void aKeyedTaskThatComesTwiceIsOneTask(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      var keyed = new BasicProperties.Builder().messageId("order-7").build();
      publish(broker, "normal", keyed, "{\"task\":\"x\",\"force_tier\":\"opus\"}");
      publish(broker, "normal", keyed, "{\"task\":\"x\",\"force_tier\":\"opus\"}");

      var first = broker.take("symbiont.tier.opus.normal");
      var second = broker.take("symbiont.tier.opus.normal");
      assertThat(taskId(first)).isEqualTo(Ids.ofKey("task", "amqp", "order-7"));
      assertThat(second.getProps().getMessageId()).isEqualTo(first.getProps().getMessageId());
      assertThat(second.getBody()).isEqualTo(first.getBody());
    }
  }

  @Test
  void anAuthenticatedProducerHasKeysOfItsOwn(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      var keyed =
          new BasicProperties.Builder()
              .messageId("order-7")
              .userId(broker.address().getUserInfo().replaceFirst(":.*", ""))
              .build();
      publish(broker, "normal", keyed, "{\"task\":\"x\",\"force_tier\":\"opus\"}");

      assertThat(taskId(broker.take("symbiont.tier.opus.normal")))
          .isEqualTo(Ids.ofKey("task", keyed.getUserId(), "order-7"));
    }
  }

  @Test
  void aTasksOwnIdGoesBeforeTheMessageId(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      var keyed = new BasicProperties.Builder().messageId("order-7").build();
      publish(broker, "normal", keyed, "{\"task\":\"x\",\"id\":\"mine\",\"force_tier\":\"opus\"}");

      var routed = broker.take("symbiont.tier.opus.normal");
      assertThat(taskId(routed)).isEqualTo("mine");
      assertThat(routed.getProps().getMessageId()).isEqualTo("mine/routed.1");
    }
  }

  @Test
  void theProducersQueueAndCorrelationGoWithTheTask(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      var asking =
          new BasicProperties.Builder().replyTo("reports.answers").correlationId("c-1").build();
      publish(broker, "normal", asking, "{\"task\":\"x\",\"force_tier\":\"opus\"}");

      var routed = (RoutedTask) message(broker.take("symbiont.tier.opus.normal"));
      assertThat(routed.accepted().reply()).isEqualTo(new Reply(null, "reports.answers", "c-1"));
    }
  }

  @Test
  void aTaskThatAGatewayAcceptedKeepsItsIdAndItsReplyKey(TestBroker broker) {
    var task = Task.of("x").withId("task-1").withForceTier("haiku");
    var accepted =
        new AcceptedTask(
            task, RunningRouter.NOW.minusSeconds(60), Reply.toGateway("reply.gateway-1"), false);
    try (var _ = RunningRouter.start(broker)) {
      publish(broker, Parcel.step(Topology.acceptedKey(Priority.NORMAL), accepted));

      var routed = (RoutedTask) message(broker.take("symbiont.tier.haiku.normal"));
      assertThat(routed.accepted()).isEqualTo(accepted);
    }
  }

  @ParameterizedTest
  @CsvSource({"hihg", "''", "symbiont.tier.opus.high"})
  void aMistypedRoutingKeyLosesNothing(String key, TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      publish(broker, key, NOTHING, "{\"task\":\"x\",\"force_tier\":\"opus\"}");

      assertThat(message(broker.take("symbiont.tier.opus.normal"))).isNotNull();
    }
  }

  @Test
  void anAnsweredClassificationLeadsToTheTierItNames(TestBroker broker) {
    var structured = Codec.mapper().createObjectNode().put("tier", "opus");
    structured.put("confidence", "high").put("reason", "needs strategy");
    var end = classificationOf("t", new Outcome.Answered("", structured, false));
    try (var _ = RunningRouter.start(broker)) {
      publish(broker, Parcel.step(Topology.CALL_CLASSIFIED, end));

      var routed = (RoutedTask) message(broker.take("symbiont.tier.opus.high"));
      assertThat(routed.accepted()).isEqualTo(end.accepted());
      assertThat(routed.decision())
          .isEqualTo(
              new Decision(
                  "opus",
                  Confidence.HIGH,
                  "needs strategy",
                  DecidedBy.MODEL,
                  new BigDecimal("0.0077")));
    }
  }

  @Test
  void aClassificationThatFailedLeadsToTheDefaultTier(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      var end = classificationOf("t", new Outcome.Limited(null, "unknown", "limit"));
      publish(broker, Parcel.step(Topology.CALL_CLASSIFIED, end));

      var routed = (RoutedTask) message(broker.take("symbiont.tier.sonnet.high"));
      assertThat(routed.decision().decidedBy()).isEqualTo(DecidedBy.DEFAULT);
      assertThat(routed.decision().reason()).isEqualTo("default tier: classification limited");
    }
  }

  @Test
  void aClassificationThatComesTwiceIsRoutedWithTheSameIds(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      var end = classificationOf("t", new Outcome.Overloaded("busy"));
      publish(broker, Parcel.step(Topology.CALL_CLASSIFIED, end));
      publish(broker, Parcel.step(Topology.CALL_CLASSIFIED, end));

      var first = broker.take("symbiont.tier.sonnet.high");
      var second = broker.take("symbiont.tier.sonnet.high");
      assertThat(first.getProps().getMessageId()).isEqualTo("t/routed.1");
      assertThat(second.getProps().getMessageId()).isEqualTo("t/routed.1");
      assertThat(second.getBody()).isEqualTo(first.getBody());
    }
  }

  @Test
  void aRedeliveredTaskIsMarkedUnlessAnIdTellsWhichItIs(TestBroker broker) throws IOException {
    try (var router = RunningRouter.connected(broker)) {
      var keyed = new BasicProperties.Builder().messageId("k").build();
      publish(broker, "high", NOTHING, "{\"task\":\"x\",\"force_tier\":\"opus\"}");
      publish(broker, "low", keyed, "{\"task\":\"x\",\"force_tier\":\"opus\"}");
      giveBack(broker, "symbiont.inbox.high");
      giveBack(broker, "symbiont.inbox.low");

      router.takeWork();

      var unkeyed = (RoutedTask) message(broker.take("symbiont.tier.opus.normal"));
      var known = (RoutedTask) message(broker.take("symbiont.tier.opus.normal"));
      assertThat(unkeyed.accepted().possibleDuplicate())
          .isNotEqualTo(known.accepted().possibleDuplicate());
      String markedId = unkeyed.accepted().possibleDuplicate() ? unkeyed.taskId() : known.taskId();
      assertThat(markedId).isNotEqualTo(Ids.ofKey("task", "amqp", "k"));
    }
  }

  @Test
  void nothingIsLeftBehindAndNothingIsLost(TestBroker broker) {
    try (var _ = RunningRouter.start(broker)) {
      for (int i = 0; i < 300; i++) {
        boolean good = i % 3 != 0;
        publish(broker, "normal", NOTHING, good ? "{\"task\":\"x\"}" : "{\"tusk\":\"x\"}");
      }

      Awaitility.await("200 questions and 100 dead letters")
          .atMost(Duration.ofSeconds(20))
          .pollInterval(Duration.ofMillis(50))
          .until(
              () ->
                  broker.depth("symbiont.tier.haiku.normal") == 200
                      && broker.depth(Topology.DEAD_LETTERS) == 100);
      assertThat(broker.depth("symbiont.inbox.normal")).isZero();
    }
  }

  private static void publish(
      TestBroker broker, String key, BasicProperties properties, String body) {
    broker.publish(Topology.TASKS, key, properties, body.getBytes(UTF_8));
  }

  private static void publish(TestBroker broker, Parcel parcel) {
    broker.publish(parcel.exchange(), parcel.key(), parcel.properties(), parcel.body());
  }

  /// Takes a message and lets the broker have it again, so that it is redelivered.
  private static void giveBack(TestBroker broker, String queue) throws IOException {
    var taken =
        Awaitility.await()
            .atMost(Duration.ofSeconds(10))
            .until(() -> broker.channel().basicGet(queue, false), java.util.Objects::nonNull);
    broker.channel().basicReject(taken.getEnvelope().getDeliveryTag(), true);
  }

  private static Message message(GetResponse response) {
    return Codec.decode(response.getProps().getType(), response.getBody());
  }

  private static String taskId(GetResponse routed) {
    return ((RoutedTask) message(routed)).taskId();
  }

  private static long seconds() {
    return RunningRouter.NOW.getEpochSecond();
  }

  private static CallEnded classificationOf(String taskId, Outcome outcome) {
    var task =
        new Task(
            taskId,
            "Plan the migration",
            null,
            null,
            null,
            Priority.HIGH,
            null,
            null,
            null,
            null,
            null,
            null,
            java.util.Map.of(),
            null);
    return new CallEnded(
        taskId + "/call.1",
        taskId,
        Purpose.CLASSIFICATION,
        "haiku",
        "haiku",
        1,
        "dispatcher-1",
        RunningRouter.NOW,
        new BigDecimal("1.500"),
        outcome,
        new Usage(100, 20, 0, 0, new BigDecimal("0.0077"), CostBasis.CLI, null),
        false,
        "Plan the migration",
        null,
        new AcceptedTask(task, RunningRouter.NOW, Reply.NONE, false));
  }
}
