package dev.symbiont.gateway.intake;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.gateway.Problem;
import dev.symbiont.hop.Parcel;
import dev.symbiont.hop.PublishException;
import dev.symbiont.hop.Publisher;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;

/// Reads a task, checks it, and hands it to the broker. Returns only when the broker has it.
public final class Submission {

  private static final Logger log = LoggerFactory.getLogger(Submission.class);
  private static final Duration CONFIRM_PATIENCE = Duration.ofSeconds(5);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

  private final Publisher publisher;
  private final Tiers tiers;
  private final InstantSource clock;
  private final RandomGenerator random;

  public Submission(Publisher publisher, Tiers tiers, InstantSource clock, RandomGenerator random) {
    this.publisher = publisher;
    this.tiers = tiers;
    this.clock = clock;
    this.random = random;
  }

  /// The task in a request body, with an id.
  ///
  /// @param key the caller's idempotency key: the same key names the same task
  Task read(InputStream body, String prefix, @Nullable String key) throws IOException {
    byte[] bytes = body.readNBytes(Task.MAX_BYTES + 1);
    if (bytes.length > Task.MAX_BYTES) {
      throw Problem.of(
          HttpStatus.CONTENT_TOO_LARGE, "a task may have %d bytes".formatted(Task.MAX_BYTES));
    }
    try {
      Task task = Codec.read(bytes, Task.class);
      String tier = task.forceTier();
      if (tier != null && tiers.find(tier).isEmpty()) {
        throw new InvalidFieldException(
            "force_tier", "must be one of " + String.join(", ", tiers.names()));
      }
      return task.withId(idOf(task, prefix, key));
    } catch (UnreadableMessageException e) {
      throw invalid(String.valueOf(e.getMessage()), e.field());
    } catch (InvalidFieldException e) {
      throw invalid(String.valueOf(e.getMessage()), e.field());
    }
  }

  /// Publishes it, and returns when the broker has confirmed it.
  void accept(Task task, Reply reply) {
    var accepted = new AcceptedTask(task, clock.instant(), reply, false);
    try {
      publisher
          .publish(Parcel.step(Topology.acceptedKey(task.priority()), accepted))
          .orTimeout(CONFIRM_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
          .join();
      log.info("task {} accepted", task.id());
    } catch (CompletionException e) {
      String why =
          e.getCause() instanceof PublishException failure
              ? String.valueOf(failure.getMessage())
              : "the broker did not confirm it within %d s".formatted(CONFIRM_PATIENCE.toSeconds());
      log.warn("task {} not accepted: {}", task.id(), why);
      throw Problem.unavailable("the task was not accepted: " + why, RETRY_AFTER)
          .with("id", task.id());
    }
  }

  private String idOf(Task task, String prefix, @Nullable String key) {
    if (key != null) {
      return Ids.ofKey(prefix, "http", key);
    }
    String id = task.id();
    return id == null ? Ids.draw(prefix, clock.instant(), random) : id;
  }

  private static Problem invalid(String detail, @Nullable String field) {
    return Problem.of(HttpStatus.UNPROCESSABLE_CONTENT, detail).with("field", field);
  }
}
