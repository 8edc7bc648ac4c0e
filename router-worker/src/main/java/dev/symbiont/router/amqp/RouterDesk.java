package dev.symbiont.router.amqp;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TraceAttributes;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Intake;
import dev.symbiont.hop.Parcel;
import dev.symbiont.router.policy.Policy;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes tasks from the inbox and sends each to its tier, or to be classified first; takes
/// classifications that came back and goes on from there. Never waits, and remembers nothing
/// between two messages.
public final class RouterDesk implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(RouterDesk.class);
  private static final int PREFETCH = 20;

  private final Hop hop;
  private final Policy policy;
  private final InstantSource clock;
  private final RandomGenerator random;
  private final Routed routed;
  private final Intake intake;

  public RouterDesk(
      Broker broker,
      Hop hop,
      Policy policy,
      InstantSource clock,
      RandomGenerator random,
      Routed routed) {
    this.hop = hop;
    this.policy = policy;
    this.clock = clock;
    this.random = random;
    this.routed = routed;
    Stream<String> inboxes = Arrays.stream(Priority.values()).map(Topology::inbox);
    this.intake =
        new Intake(
            broker,
            hop,
            Stream.concat(inboxes, Stream.of(Topology.CLASSIFIED)).toList(),
            PREFETCH,
            this::receive);
  }

  public void start() {
    intake.start();
  }

  @Override
  public void close() {
    intake.close();
  }

  private void receive(Delivery delivery) {
    var _ = hop.traces().process(delivery, () -> sendOn(delivery));
  }

  private CompletableFuture<Void> sendOn(Delivery delivery) {
    try {
      Parcel next =
          delivery.queue().equals(Topology.CLASSIFIED) ? goOn(delivery) : begin(accept(delivery));
      return hop.forward(delivery, List.of(next));
    } catch (InvalidFieldException e) {
      Span.current().setStatus(StatusCode.ERROR, String.valueOf(e.getMessage()));
      return hop.setAside(delivery, String.valueOf(e.getMessage()));
    }
  }

  private Parcel begin(AcceptedTask accepted) {
    return policy
        .decide(accepted)
        .map(decision -> route(accepted, decision))
        .orElseGet(
            () -> {
              Span.current().setAttribute(TraceAttributes.TASK, accepted.taskId());
              Classification question = policy.classify(accepted);
              String key = Topology.classifyKey(question.tier(), accepted.task().priority());
              return Parcel.step(key, question);
            });
  }

  private Parcel goOn(Delivery delivery) {
    return switch (Codec.decode(delivery.schema(), delivery.body())) {
      case CallEnded call ->
          route(
              Objects.requireNonNull(call.accepted(), "a classification carries its task"),
              policy.decide(call));
      case Classification it -> route(it.accepted(), policy.decideWithout(it));
      case Message other ->
          throw new InvalidFieldException(
              "type", "must be a classification, not " + Codec.schemaOf(other));
    };
  }

  private Parcel route(AcceptedTask accepted, Decision decision) {
    Span.current()
        .setAttribute(TraceAttributes.TASK, accepted.taskId())
        .setAttribute(TraceAttributes.TIER, decision.tier())
        .setAttribute("symbiont.decided_by", decision.decidedBy().wire());
    log.atInfo()
        .addKeyValue("task", accepted.taskId())
        .log(
            "task {} goes to {}: {} ({}, {} confidence)",
            accepted.taskId(),
            decision.tier(),
            decision.reason(),
            decision.decidedBy().wire(),
            decision.confidence().wire());
    routed.count(decision);
    var task = RoutedTask.first(accepted, decision);
    return Parcel.step(Topology.routedKey(decision.tier(), accepted.task().priority()), task);
  }

  /// A gateway's task was accepted there; a producer's is accepted here. Only the fleet may write
  /// to the flow exchange, so what came through another one is a producer's, whatever it says of
  /// itself.
  private AcceptedTask accept(Delivery delivery) {
    if (delivery.exchange().equals(Topology.FLOW)) {
      return (AcceptedTask) Codec.decode(delivery.schema(), delivery.body());
    }
    if (delivery.body().length > Task.MAX_BYTES) {
      throw new InvalidFieldException(
          "task",
          "the message has %d bytes, and %d are allowed"
              .formatted(delivery.body().length, Task.MAX_BYTES));
    }
    String schema = delivery.schema() == null ? "symbiont.task.v1" : delivery.schema();
    if (!(Codec.decode(schema, delivery.body()) instanceof Task task)) {
      throw new InvalidFieldException("type", "must be symbiont.task.v1");
    }
    task.requireNoReservedLabels();
    String given = idOf(task, delivery);
    String id = given == null ? Ids.draw("task", clock.instant(), random) : given;
    boolean possibleDuplicate = given == null && delivery.redelivered();
    return new AcceptedTask(task.withId(id), clock.instant(), replyOf(delivery), possibleDuplicate);
  }

  private static @Nullable String idOf(Task task, Delivery delivery) {
    String messageId = delivery.properties().getMessageId();
    if (task.id() != null || messageId == null || messageId.isEmpty()) {
      return task.id();
    }
    String producer = Objects.requireNonNullElse(delivery.properties().getUserId(), "amqp");
    return Ids.ofKey("task", producer, messageId);
  }

  private static Reply replyOf(Delivery delivery) {
    String queue = delivery.properties().getReplyTo();
    if (queue == null || queue.isEmpty()) {
      return Reply.NONE;
    }
    if (Topology.isReserved(queue)) {
      throw new InvalidFieldException("reply_to", "must not be a queue of the fleet");
    }
    return new Reply(null, queue, delivery.properties().getCorrelationId());
  }
}
