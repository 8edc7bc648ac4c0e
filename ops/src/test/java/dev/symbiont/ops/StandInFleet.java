package dev.symbiont.ops;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.hop.Parcel;
import dev.symbiont.testing.TestBroker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// A fleet in miniature on a broker without one: keeps the contract as far as producers and
/// watchers see it, in one thread and without any model. A test may bend what it says.
final class StandInFleet implements AutoCloseable {

  private static final List<String> TIERS = TestBroker.TIERS;
  private static final String WORKER = "dispatcher-stand-in";
  private static final long BEAT_MILLIS = 50;

  /// Who asks for a sign of life.
  private static final Delivery NOBODY =
      new Delivery(
          new Envelope(0, false, "", ""),
          new AMQP.BasicProperties.Builder().replyTo("").build(),
          new byte[0]);

  private final TestBroker broker;
  private final Channel channel;
  private final Manner manner;
  private final ScheduledExecutorService beats = Executors.newSingleThreadScheduledExecutor();
  private final Map<String, TaskEnded> ends = new HashMap<>();

  /// What is said to a message, which is not always what should be.
  @FunctionalInterface
  interface Manner {
    List<Parcel> say(Delivery asked, List<Parcel> honest);
  }

  StandInFleet(TestBroker broker, Manner manner) throws IOException {
    this.broker = broker;
    this.manner = manner;
    broker.clean();
    this.channel = broker.channel().getConnection().createChannel();
    for (Topology.Exchange exchange : Topology.of(TIERS).exchanges()) {
      channel.exchangeDeclare(exchange.name(), exchange.type(), true, false, exchange.arguments());
    }
    // Watchers see what is set aside.
    channel.exchangeBind(Topology.EVENTS, Topology.DEAD_LETTERS, "");
    String inbox = channel.queueDeclare().getQueue();
    for (Priority priority : Priority.values()) {
      channel.queueBind(inbox, Topology.TASKS, priority.wire());
    }
    String unkeyed =
        Topology.of(TIERS).exchanges().stream()
            .map(it -> it.arguments().get("alternate-exchange"))
            .filter(Objects::nonNull)
            .map(String::valueOf)
            .findFirst()
            .orElseThrow();
    channel.queueBind(inbox, unkeyed, "");
    channel.basicConsume(inbox, true, (_, asked) -> receive(asked), _ -> {});
    Channel beating = broker.channel().getConnection().createChannel();
    var _ = beats.scheduleAtFixedRate(() -> beat(beating), 0, BEAT_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() throws IOException, TimeoutException {
    beats.close();
    channel.close();
    broker.clean();
  }

  private void receive(Delivery asked) throws IOException {
    publish(channel, manner.say(asked, honest(asked)));
  }

  private void beat(Channel beating) {
    Instant now = Instant.now();
    var beat =
        new WorkerBeat(WORKER, "dispatcher", now, now, WorkerBeat.Phase.HEARTBEAT, List.of());
    var state = new TierState("haiku", TierState.Phase.OPEN, now, null, null, null);
    List<Parcel> honest =
        List.of(
            watched(Parcel.signOfLife("worker.heartbeat", beat)),
            watched(Parcel.tier(Topology.repeatedKey(state), state)));
    try {
      publish(beating, manner.say(NOBODY, honest));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void publish(Channel channel, List<Parcel> parcels) throws IOException {
    for (Parcel parcel : parcels) {
      channel.basicPublish(parcel.exchange(), parcel.key(), parcel.properties(), parcel.body());
    }
  }

  private List<Parcel> honest(Delivery asked) {
    try {
      return answer(asked, taskIn(asked));
    } catch (UnreadableMessageException | InvalidFieldException e) {
      return List.of(letter(asked, String.valueOf(e.getMessage())));
    }
  }

  private static Task taskIn(Delivery asked) {
    if (asked.getBody().length > Task.MAX_BYTES) {
      throw new InvalidFieldException("task", "is too large");
    }
    String type = asked.getProperties().getType();
    String schema = type == null ? "symbiont.task.v1" : type;
    if (!(Codec.decode(schema, asked.getBody()) instanceof Task task)) {
      throw new InvalidFieldException("type", "must be symbiont.task.v1");
    }
    if (task.forceTier() != null && !TIERS.contains(task.forceTier())) {
      throw new InvalidFieldException("force_tier", "is unknown");
    }
    if (Topology.isReserved(asked.getProperties().getReplyTo())) {
      throw new InvalidFieldException("reply_to", "is a queue of the fleet");
    }
    return task;
  }

  private List<Parcel> answer(Delivery asked, Task task) {
    AMQP.BasicProperties properties = asked.getProperties();
    String id = idOf(task, properties.getMessageId());
    if (ends.containsKey(id)) {
      return List.of(result(asked, Objects.requireNonNull(ends.get(id))));
    }
    var reply = new Reply(null, properties.getReplyTo(), properties.getCorrelationId());
    var accepted = new AcceptedTask(task.withId(id), Instant.now(), reply, false);
    var said = new ArrayList<Parcel>();
    if (task.forceTier() == null) {
      said.addAll(classification(accepted));
    }
    RoutedTask routed = RoutedTask.first(accepted, decision(task));
    said.add(event(Topology.routedKey(routed.tier(), task.priority()), routed));
    TaskEnded end = end(routed);
    ends.put(id, end);
    said.add(event("task." + end.state().wire(), end));
    said.add(result(asked, end));
    return said;
  }

  private static String idOf(Task task, @Nullable String messageId) {
    if (task.id() != null) {
      return task.id();
    }
    return messageId == null ? "task-" + UUID.randomUUID() : Ids.ofKey("task", "amqp", messageId);
  }

  private static List<Parcel> classification(AcceptedTask accepted) {
    var asked =
        new Classification(
            accepted,
            "haiku",
            accepted.task().task(),
            "Which tier?",
            Codec.mapper().createObjectNode(),
            null);
    CallEnded call = call(asked, "{\"tier\": \"haiku\"}").carrying(accepted);
    return List.of(
        event(Topology.classifyKey("haiku", accepted.task().priority()), asked),
        event(Topology.CALL_CLASSIFIED, call));
  }

  private static Decision decision(Task task) {
    return task.forceTier() == null
        ? new Decision("haiku", Confidence.HIGH, "short", DecidedBy.MODEL, new BigDecimal("0.0001"))
        : new Decision(
            task.forceTier(),
            Confidence.HIGH,
            "the caller asked for it",
            DecidedBy.FORCED,
            BigDecimal.ZERO);
  }

  private static TaskEnded end(RoutedTask routed) {
    Instant now = Instant.now();
    Instant deadline = routed.deadline();
    boolean late = deadline != null && deadline.isBefore(now);
    CallEnded call = late ? null : call(routed, "yes");
    return new TaskEnded(
        routed.taskId(),
        late ? TaskState.EXPIRED : TaskState.SUCCEEDED,
        late ? "the deadline passed before the call" : "",
        routed.decision(),
        List.of(),
        call,
        call == null ? BigDecimal.ZERO : routed.decision().costUsd().add(call.usage().costUsd()),
        now,
        0);
  }

  private static CallEnded call(Work work, String answer) {
    var structured =
        work.jsonSchema() == null ? null : Codec.mapper().createObjectNode().put("word", answer);
    return new CallEnded(
        "%s/call.%d".formatted(work.taskId(), work.purpose() == Purpose.TASK ? 2 : 1),
        work.taskId(),
        work.purpose(),
        work.tier(),
        work.tier(),
        work.attempt(),
        WORKER,
        Instant.now(),
        new BigDecimal("0.010"),
        new Outcome.Answered(answer, structured, false),
        new Usage(3, 1, 0, 0, new BigDecimal("0.00002"), CostBasis.CLI, "stand-in"),
        true,
        CallEnded.preview(work.prompt()),
        null,
        null);
  }

  private static Parcel event(String key, Step step) {
    return watched(Parcel.step(key, step));
  }

  /// The copy of a message of the flow that watchers get.
  private static Parcel watched(Parcel flowing) {
    return new Parcel(Topology.EVENTS, flowing.key(), flowing.properties(), flowing.body(), true);
  }

  private static Parcel result(Delivery asked, TaskEnded end) {
    AMQP.BasicProperties properties = asked.getProperties();
    return Parcel.result(end.result(), properties.getReplyTo(), properties.getCorrelationId());
  }

  /// The message as it came, with the reason.
  static Parcel letter(Delivery asked, String reason) {
    Map<String, Object> own = asked.getProperties().getHeaders();
    var headers = new LinkedHashMap<String, Object>(own == null ? Map.of() : own);
    headers.put(Topology.REASON_HEADER, reason);
    headers.put(Topology.SOURCE_HEADER, "symbiont.inbox." + asked.getEnvelope().getRoutingKey());
    headers.put(Topology.EXCHANGE_HEADER, asked.getEnvelope().getExchange());
    headers.put(Topology.LETTER_HEADER, UUID.randomUUID().toString());
    AMQP.BasicProperties properties = asked.getProperties().builder().headers(headers).build();
    return new Parcel(
        Topology.DEAD_LETTERS, Topology.MESSAGE_SET_ASIDE, properties, asked.getBody(), true);
  }
}
