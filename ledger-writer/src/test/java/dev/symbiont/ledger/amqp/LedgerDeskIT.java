package dev.symbiont.ledger.amqp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Parcel;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.writer.LedgerFiles;
import dev.symbiont.ledger.writer.Queries;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

@WithBroker
class LedgerDeskIT {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path folder;
  private LedgerFiles files;
  private TestBroker broker;
  private Desk desk;

  @BeforeEach
  void open(TestBroker toBroker) throws IOException {
    broker = toBroker;
    files = new LedgerFiles(folder);
    desk = Desk.open(broker, files);
    Awaitility.await("the ledger-writer consumes")
        .ignoreExceptions()
        .until(() -> broker.channel().isOpen() && !desk.broker.depths(queues()).isEmpty());
  }

  @AfterEach
  void close() throws IOException {
    desk.close();
  }

  @Test
  void aGrantIsAskedForAndAnsweredOverTheBroker() throws IOException {
    RoutedTask work = Samples.routed("task-1");
    try (LedgerClient client = desk.client("worker-1")) {
      GrantAnswer answer = soon(client.ask(Samples.request(work, "ask-1", "worker-1")));

      assertThat(answer)
          .isEqualTo(
              new GrantAnswer.Granted(
                  "ask-1", "task-1/call.1", Samples.START_WITHIN, Spent.NOTHING));
      assertThat(Files.readString(files.journal())).contains("\"task-1/call.1/granted\"");
    }
  }

  @Test
  void whatIsPublishedOnTheWayIsKnownAfterwards() {
    RoutedTask work = Samples.routed("task-1");
    CallGranted call = Samples.granted(Samples.request(work, "ask-1", "worker-1"), 1);
    TaskEnded end = Samples.succeeded(work, Samples.answered(call, "0.01"));

    publish(
        Parcel.step("task.accepted.normal", work.accepted()),
        Parcel.step("task.routed.haiku.normal", work),
        Parcel.step("task.succeeded", end));

    Awaitility.await().untilAsserted(() -> assertThat(known("task-1").end()).isEqualTo(end));
    assertThat(known("task-1").task()).isEqualTo("the prompt of task-1");
  }

  @Test
  void queriesAreAnsweredOverTheBroker() {
    RoutedTask work = Samples.routed("task-1");
    CallGranted call = Samples.granted(Samples.request(work, "ask-1", "worker-1"), 1);
    publish(Parcel.step("task.succeeded", Samples.succeeded(work, Samples.answered(call, "0.01"))));

    try (LedgerClient client = desk.client("gateway-1")) {
      var stats =
          soon(
              client.ask(
                  (id, key) -> new LedgerQuery.Stats(id, key, null, null),
                  LedgerAnswer.Stats.class,
                  PATIENCE));
      var status = soon(client.ask(LedgerQuery.Status::new, LedgerAnswer.Status.class, PATIENCE));
      var entries =
          soon(
              client.ask(
                  (id, key) -> LedgerQuery.Entries.newest(id, key, 5),
                  LedgerAnswer.Entries.class,
                  PATIENCE));
      var task =
          soon(
              client.ask(
                  (id, key) -> new LedgerQuery.TaskById(id, key, "task-1"),
                  LedgerAnswer.TaskById.class,
                  PATIENCE));

      assertThat(stats.totalCalls()).isEqualTo(1);
      assertThat(status.running()).isZero();
      assertThat(entries.entries()).hasSize(1);
      assertThat(Objects.requireNonNull(task.task()).state()).isEqualTo(TaskState.SUCCEEDED);
    }
  }

  @Test
  void aCancelledTaskIsToldToAllWhoWait() {
    String producer = broker.replyQueue();
    String gateway = broker.replyQueue();
    bind(gateway, "reply.gateway-9");
    var reply = new Reply("reply.gateway-9", producer, "c-1");
    RoutedTask work = Samples.routed(Samples.accepted("task-1", "prompt", reply), "haiku");
    publish(Parcel.step("task.routed.haiku.normal", work));

    try (LedgerClient client = desk.client("gateway-1")) {
      assertThat(cancel(client, "task-1")).isEqualTo(CancelVerdict.CANCELLED);
      assertThat(cancel(client, "task-1")).as("once more").isEqualTo(CancelVerdict.CANCELLED);
      assertThat(cancel(client, "task-2")).isEqualTo(CancelVerdict.UNKNOWN);

      assertThat(decoded(broker.take(gateway)))
          .isInstanceOfSatisfying(
              TaskEnded.class, it -> assertThat(it.state()).isEqualTo(TaskState.CANCELLED));
      GetResponse result = broker.take(producer);
      assertThat(result.getProps().getCorrelationId()).isEqualTo("c-1");
      assertThat(decoded(result))
          .isInstanceOfSatisfying(
              Result.class, it -> assertThat(it.status()).isEqualTo(TaskState.CANCELLED));
      assertThat(soon(client.ask(Samples.request(work, "ask-1", "gateway-1"))))
          .isEqualTo(new GrantAnswer.Cancelled("ask-1"));
    }
  }

  @Test
  void aDeadLetterIsWrittenDownWithItsReason() {
    var properties =
        new AMQP.BasicProperties.Builder()
            .headers(Map.of(Topology.REASON_HEADER, "no task", Topology.SOURCE_HEADER, "an.inbox"))
            .build();

    broker.publish(Topology.DEAD_LETTERS, "", properties, "rub\nbish".getBytes(UTF_8));

    Awaitility.await().until(() -> journal().size() == 1);
    assertThat(journal().getFirst())
        .contains("\"schema\":\"symbiont.set-aside.v1\"")
        .contains("\"queue\":\"an.inbox\",\"reason\":\"no task\"")
        .contains("\"bytes\":8,\"preview\":\"rub bish\"");
    assertThat(broker.depth(Topology.DEAD_LETTERS)).isEqualTo(1);
  }

  @Test
  void aTaskThatTheBrokerGaveUpIsSetAsideUnderItsOwnId() {
    RoutedTask work = Samples.routed("task-1");
    var properties =
        new AMQP.BasicProperties.Builder()
            .type("symbiont.routed.v1")
            .headers(
                Map.of(
                    "x-first-death-reason", "delivery_limit",
                    "x-first-death-exchange", Topology.FLOW,
                    "x-first-death-queue", "symbiont.tier.haiku.normal"))
            .build();

    broker.publish(Topology.DEAD_LETTERS, "", properties, Codec.encode(work));

    Awaitility.await()
        .untilAsserted(() -> assertThat(known("task-1").state()).isEqualTo(TaskState.SET_ASIDE));
    assertThat(journal().getFirst()).contains("the broker gave it up: delivery_limit");
  }

  @Test
  void whatCannotBeReadIsSetAsideAndTheRestFlows() {
    for (String rubbish : List.of("", "{", "[]", "\u0000", "{\"a\":".repeat(5_000))) {
      broker.publish(
          Topology.FLOW, "task.accepted.x", typed("symbiont.accepted.v1"), utf8(rubbish));
    }
    broker.publish(Topology.FLOW, "call.ended.x", typed("symbiont.future.v9"), utf8("{}"));
    broker.publish(
        Topology.FLOW, "call.ended.x", typed("symbiont.task.v1"), utf8("{\"task\":\"x\"}"));
    publish(Parcel.step("task.routed.haiku.normal", Samples.routed("task-1")));

    Awaitility.await().until(() -> task("task-1") != null);
    Awaitility.await("each rubbish once in the dead letters, and journalled from there")
        .untilAsserted(
            () -> {
              assertThat(broker.depth(Topology.DEAD_LETTERS)).isEqualTo(7);
              assertThat(journal()).hasSize(8);
            });
    assertThat(journal().toString()).contains("unknown schema 'symbiont.future.v9'");
  }

  @Test
  void aStepWithoutItsIdsIsSetAsideAndTheRestFlows() {
    broker.publish(Topology.FLOW, "call.ended.x", typed("symbiont.call.v1"), utf8("{}"));
    broker.publish(Topology.FLOW, "task.routed.x", typed("symbiont.routed.v1"), utf8("{}"));
    publish(Parcel.step("task.routed.haiku.normal", Samples.routed("task-1")));

    Awaitility.await().until(() -> task("task-1") != null);
  }

  @Test
  void aDeadLetterThatLooksLikeAnEmptyStepIsWrittenDown() {
    broker.publish(Topology.DEAD_LETTERS, "", typed("symbiont.routed.v1"), utf8("{}"));
    publish(Parcel.step("task.routed.haiku.normal", Samples.routed("task-1")));

    Awaitility.await().until(() -> task("task-1") != null);
  }

  @Test
  void aForgedStepInTheDeadLettersEndsNoOtherTask() {
    publish(Parcel.step("task.routed.haiku.normal", Samples.routed("task-1")));
    Awaitility.await().until(() -> task("task-1") != null);
    var aside =
        new AMQP.BasicProperties.Builder()
            .type("symbiont.call.v1")
            .headers(
                Map.of(
                    Topology.REASON_HEADER,
                    "not a task",
                    Topology.SOURCE_HEADER,
                    "symbiont.inbox.normal"))
            .build();

    broker.publish(Topology.DEAD_LETTERS, "", aside, utf8("{\"task_id\":\"task-1\"}"));

    Awaitility.await().until(() -> journal().size() == 2);
    assertThat(known("task-1").state()).isEqualTo(TaskState.ROUTED);
  }

  @Test
  void nothingIsAcknowledgedWhileItsDeadLetterIsNotTaken() throws IOException {
    broker.channel().queueUnbind(Topology.DEAD_LETTERS, Topology.DEAD_LETTERS, "");
    broker.channel().queueUnbind(Topology.LEDGER, Topology.DEAD_LETTERS, "");
    broker.publish(Topology.FLOW, "call.ended.x", typed("symbiont.call.v1"), utf8("rubbish"));
    Awaitility.await().until(() -> broker.depth(Topology.LEDGER) == 0);
    publish(Parcel.step("task.routed.haiku.normal", Samples.routed("task-1")));
    Awaitility.await().until(() -> task("task-1") != null);

    desk.close();

    assertThat(broker.depth(Topology.LEDGER)).isGreaterThanOrEqualTo(1);
  }

  @Test
  void aLaterQuestionSeesWhatWasConfirmedBeforeIt() {
    try (LedgerClient client = desk.client("gateway-1")) {
      soon(client.ask(LedgerQuery.Status::new, LedgerAnswer.Status.class, PATIENCE));
      publish(Parcel.step("task.routed.haiku.normal", Samples.routed("task-1")));

      var status = soon(client.ask(LedgerQuery.Status::new, LedgerAnswer.Status.class, PATIENCE));

      assertThat(status.queueSize()).isEqualTo(1);
    }
  }

  @Test
  void aHundredEventsAHundredTimesEachToTwoWritersGiveOneLineEach() throws IOException {
    var parcels = new ArrayList<Parcel>();
    for (int i = 0; i < 100; i++) {
      RoutedTask work = Samples.routed("task-" + i);
      GrantRequest request = Samples.request(work, "ask-" + i, "worker-1");
      var call = Samples.answered(Samples.granted(request, 1), "0.01");
      parcels.addAll(
          Collections.nCopies(100, Parcel.step("task.succeeded", Samples.succeeded(work, call))));
    }
    Collections.shuffle(parcels, new Random(7));
    CompletableFuture<Void> sent = desk.hop.deliver(parcels.subList(0, 5_000));
    Awaitility.await().until(() -> !journal().isEmpty());

    // Stopped with deliveries in its hands, which go to the next.
    soon(sent);
    desk.close();
    desk = Desk.open(broker, files);
    soon(desk.hop.deliver(parcels.subList(5_000, 10_000)));

    try (LedgerClient client = desk.client("gateway-1")) {
      // Asked last, so answered when everything before it is on disk.
      assertThat(cancel(client, "no-such-task")).isEqualTo(CancelVerdict.UNKNOWN);
    }
    assertThat(ChainedLog.verify(files.journal(), _ -> {}).lines()).isEqualTo(100);
    assertThat(ChainedLog.verify(files.ledger(), _ -> {}).lines()).isEqualTo(100);
  }

  @Test
  void aHealthSnapshotIsWrittenOnDemand() throws IOException {
    publish(Parcel.step("task.routed.haiku.normal", Samples.routed("task-1")));

    JsonNode snapshot;
    try (LedgerClient client = desk.client("gateway-1")) {
      snapshot =
          soon(client.ask(LedgerQuery.Heartbeat::new, LedgerAnswer.Heartbeat.class, PATIENCE))
              .snapshot();
    }

    JsonNode line = Codec.mapper().readTree(Files.readAllLines(files.heartbeats()).getLast());
    assertThat(line).isEqualTo(snapshot);
    assertThat(line.propertyNames())
        .containsExactly(
            "timestamp",
            "status",
            "broker",
            "gateway",
            "ledger_writable",
            "disk_free_bytes",
            "queues",
            "workers",
            "ledger");
    assertThat(line.get("status").asString()).isEqualTo("no gateway");
    assertThat(line.get("broker").asBoolean()).isTrue();
    assertThat(line.get("queues").get("symbiont.tier.haiku.normal").asLong()).isEqualTo(1);
    assertThat(line.get("ledger").get("lines").asLong()).isZero();
    assertThat(line.get("ledger").get("hash").asString()).hasSize(64);
  }

  @Test
  void aHealthSnapshotIsWrittenByItselfAfterTheStart() {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> Files.exists(files.heartbeats()) && Files.size(files.heartbeats()) > 0);
  }

  private static List<String> queues() {
    return List.of(Topology.LEDGER);
  }

  private void publish(Parcel... parcels) {
    soon(desk.hop.deliver(List.of(parcels)));
  }

  private void bind(String queue, String key) {
    try {
      broker.channel().queueBind(queue, Topology.FLOW, key);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static CancelVerdict cancel(LedgerClient client, String task) {
    return soon(client.ask(
            (id, key) -> new LedgerQuery.Cancel(id, key, task),
            LedgerAnswer.Cancel.class,
            PATIENCE))
        .verdict();
  }

  private static Message decoded(GetResponse message) {
    return Codec.decode(message.getProps().getType(), message.getBody());
  }

  private TaskView known(String id) {
    return Objects.requireNonNull(task(id), () -> "the ledger does not know " + id);
  }

  private @Nullable TaskView task(String id) {
    try (Queries queries = desk.queries()) {
      return queries.answer(new LedgerQuery.TaskById("q", "r", id)).task();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> journal() {
    try {
      return Files.readAllLines(files.journal());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static AMQP.BasicProperties typed(String schema) {
    return new AMQP.BasicProperties.Builder().type(schema).build();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }

  private static <T> T soon(CompletableFuture<T> future) {
    return future.orTimeout(30, TimeUnit.SECONDS).join();
  }
}
