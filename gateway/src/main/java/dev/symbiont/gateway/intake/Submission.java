package dev.symbiont.gateway.intake;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.TraceAttributes;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.access.Caller;
import dev.symbiont.gateway.webhook.Webhooks;
import dev.symbiont.hop.Parcel;
import dev.symbiont.hop.PublishException;
import dev.symbiont.hop.Publisher;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.trace.Span;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads a task, checks it, and hands it to the broker. Returns only when the broker has it.
public final class Submission {

  private static final Logger log = LoggerFactory.getLogger(Submission.class);
  private static final Duration CONFIRM_PATIENCE = Duration.ofSeconds(5);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

  private final Publisher publisher;
  private final Tiers tiers;
  private final Webhooks webhooks;
  private final Backpressure backpressure;
  private final InstantSource clock;
  private final RandomGenerator random;
  private final Map<Priority, Counter> accepted = new EnumMap<>(Priority.class);

  public Submission(
      Publisher publisher,
      Tiers tiers,
      Webhooks webhooks,
      Backpressure backpressure,
      InstantSource clock,
      RandomGenerator random,
      MeterRegistry meters) {
    this.backpressure = backpressure;
    this.webhooks = webhooks;
    this.publisher = publisher;
    this.tiers = tiers;
    this.clock = clock;
    this.random = random;
    for (Priority priority : Priority.values()) {
      accepted.put(
          priority,
          Counter.builder("symbiont.tasks.accepted")
              .description("Tasks that the broker has taken from this gateway")
              .tag("priority", priority.wire())
              .register(meters));
    }
  }

  /// The task in a request body, with an id.
  ///
  /// @param key the caller's idempotency key: the same key names the same task
  Asking.Request read(InputStream body, String prefix, @Nullable String key, Caller caller)
      throws IOException {
    return check(Bodies.read(body, Task.MAX_BYTES, Task.class), prefix, key, caller);
  }

  /// A task with an id. Fails with a problem if there can be no such task here.
  public Asking.Request check(Task task, String prefix, @Nullable String key, Caller caller) {
    Task owned = caller.own(withoutReservedLabels(task));
    String tier = task.forceTier();
    if (tier != null && tiers.find(tier).isEmpty()) {
      throw Problem.invalid(
          "force_tier: must be one of " + String.join(", ", tiers.names()), "force_tier");
    }
    webhooks.require(task.webhook());
    boolean named = key != null || task.id() != null;
    return new Asking.Request(owned.withId(idOf(task, prefix, key, caller)), named);
  }

  /// Publishes it, and returns when the broker has confirmed it.
  void accept(Task task, Reply reply) {
    backpressure.require();
    Span.current().setAttribute(TraceAttributes.TASK, String.valueOf(task.id()));
    var step = new AcceptedTask(task, clock.instant(), reply, false);
    try {
      publisher
          .publish(Parcel.step(Topology.acceptedKey(task.priority()), step))
          .orTimeout(CONFIRM_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
          .join();
      Objects.requireNonNull(accepted.get(task.priority())).increment();
      log.atInfo().addKeyValue("task", task.id()).log("task {} accepted", task.id());
    } catch (CompletionException e) {
      String why =
          e.getCause() instanceof PublishException failure
              ? String.valueOf(failure.getMessage())
              : "the broker did not confirm it within %d s".formatted(CONFIRM_PATIENCE.toSeconds());
      log.atWarn().addKeyValue("task", task.id()).log("task {} not accepted: {}", task.id(), why);
      throw Problem.unavailable("the task was not accepted: " + why, RETRY_AFTER)
          .with("id", task.id());
    }
  }

  private static Task withoutReservedLabels(Task task) {
    try {
      return task.requireNoReservedLabels();
    } catch (InvalidFieldException e) {
      throw Problem.invalid(String.valueOf(e.getMessage()), e.field());
    }
  }

  private String idOf(Task task, String prefix, @Nullable String key, Caller caller) {
    if (key != null) {
      return Ids.ofKey(prefix, caller.namespace(), key);
    }
    String id = task.id();
    return id == null ? Ids.draw(prefix, clock.instant(), random) : id;
  }
}
