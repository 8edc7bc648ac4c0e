package dev.symbiont.gateway.intake;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.springframework.http.HttpStatus;

/// Hands tasks to the fleet, and waits for their ends where somebody wants that.
public final class Asking {

  /// How often the ledger is asked about a task whose end may go to another gateway.
  private static final Duration ASK_EVERY = Duration.ofSeconds(1);

  private static final Duration STILL_HERE_EVERY = Duration.ofSeconds(10);

  private final Submission submission;
  private final Waiting waiting;
  private final LedgerDoor ledger;

  public Asking(Submission submission, Waiting waiting, LedgerDoor ledger) {
    this.submission = submission;
    this.waiting = waiting;
    this.ledger = ledger;
  }

  /// A task with an id.
  ///
  /// @param named whether the caller may ask for the same task again, by its id or by a key
  public record Request(Task task, boolean named) {

    public String id() {
      return Objects.requireNonNull(task.id());
    }

    /// Whether its id may be another caller's as well, who must not learn of it.
    boolean isKeyed() {
      return named && task.labels().containsKey(AccessKey.LABEL);
    }
  }

  /// Returns when the broker has the task, or had it before.
  public void submit(Request request) {
    if (isNew(request)) {
      submission.accept(request.task(), Reply.NONE);
    }
  }

  /// The same, and waits for the end. Empty if that takes longer; the task then goes on.
  public Optional<TaskEnded> submitAndWait(Request request, Duration patience)
      throws InterruptedException {
    CompletableFuture<TaskEnded> end = waiting.expect(request.id());
    try {
      boolean isNew = isNew(request);
      if (isNew) {
        submission.accept(request.task(), Reply.toGateway(ledger.replyKey()));
      } else {
        waiting.askFor(request.id(), ledger.client());
      }
      Optional<TaskEnded> ended = await(end, request.id(), request.named(), patience);
      if (isNew && ended.isPresent() && request.isKeyed()) {
        // Somebody with another key may have used this id at the same moment.
        requireSame(request, ledger.task(request.id()));
      }
      return ended;
    } finally {
      waiting.forget(request.id());
    }
  }

  /// Waits for the end of a task that was submitted before, here or elsewhere.
  Optional<TaskEnded> await(String id, Duration patience) throws InterruptedException {
    CompletableFuture<TaskEnded> end = waiting.expect(id);
    try {
      waiting.askFor(id, ledger.client());
      return await(end, id, true, patience);
    } finally {
      waiting.forget(id);
    }
  }

  /// @param elsewhere whether its end may be told to somebody else, or was told long ago
  private Optional<TaskEnded> await(
      CompletableFuture<TaskEnded> end, String id, boolean elsewhere, Duration patience)
      throws InterruptedException {
    long until = System.nanoTime() + patience.toNanos();
    Duration turn = elsewhere ? ASK_EVERY : STILL_HERE_EVERY;
    while (true) {
      try {
        long left = Math.min(until - System.nanoTime(), turn.toNanos());
        return Optional.of(end.get(left, TimeUnit.NANOSECONDS));
      } catch (TimeoutException e) {
        if (System.nanoTime() - until >= 0) {
          return Optional.empty();
        }
        if (elsewhere) {
          waiting.askFor(id, ledger.client());
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException("waiting for task " + id, e);
      }
    }
  }

  /// Whether the ledger knows nothing of the task yet; without a ledger-writer nobody can say, and
  /// the grant decides later. Fails if the same name stands for another task.
  private boolean isNew(Request request) {
    if (!request.named()) {
      return true;
    }
    Optional<TaskView> known =
        ledger
            .askSoon(
                (ask, reply) -> new LedgerQuery.TaskById(ask, reply, request.id()),
                LedgerAnswer.TaskById.class)
            .flatMap(it -> Optional.ofNullable(it.task()))
            .filter(it -> it.fingerprint() != null);
    known.ifPresent(it -> requireSame(request, it));
    return known.isEmpty();
  }

  private static void requireSame(Request request, TaskView known) {
    if (!Codec.fingerprint(request.task()).equals(known.fingerprint())) {
      throw Problem.of(
              HttpStatus.UNPROCESSABLE_CONTENT,
              "this key or id stands for another task already; take a new one for a new task")
          .with("id", request.id());
    }
  }
}
