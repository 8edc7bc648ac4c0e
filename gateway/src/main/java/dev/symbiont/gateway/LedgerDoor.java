package dev.symbiont.gateway;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.gateway.access.Caller;
import dev.symbiont.hop.LedgerClient;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.springframework.http.HttpStatus;

/// The gateway's line to the ledger-writer: answers or a problem document.
public record LedgerDoor(LedgerClient client) {

  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration SHORT_PATIENCE = Duration.ofSeconds(1);

  public String replyKey() {
    return client.replyKey();
  }

  public <A extends LedgerAnswer> A ask(
      BiFunction<String, String, LedgerQuery> query, Class<A> type) {
    try {
      return client.ask(query, type, PATIENCE).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof TimeoutException) {
        throw Problem.unavailable(
            "no ledger-writer answers; tasks are accepted and wait until one does", PATIENCE);
      }
      throw e;
    }
  }

  /// A task that the ledger knows.
  public TaskView task(String id) {
    return task(id, _ -> true);
  }

  /// A task that the ledger knows, and that this caller may see: another key's is not there.
  public TaskView task(String id, Caller caller) {
    return task(id, it -> caller.sees(it.labels()));
  }

  private TaskView task(String id, Predicate<TaskView> visible) {
    TaskView task =
        ask((ask, reply) -> new LedgerQuery.TaskById(ask, reply, id), LedgerAnswer.TaskById.class)
            .task();
    if (task == null || !visible.test(task)) {
      throw unknownTask(id);
    }
    return task;
  }

  public static Problem unknownTask(String id) {
    return Problem.of(HttpStatus.NOT_FOUND, "no task has this id").with("id", id);
  }

  /// The state of the fleet, if a ledger-writer answers soon.
  public Optional<LedgerAnswer.Status> status() {
    return askSoon(LedgerQuery.Status::new, LedgerAnswer.Status.class);
  }

  /// The answer, if a ledger-writer gives one soon.
  public <A extends LedgerAnswer> Optional<A> askSoon(
      BiFunction<String, String, LedgerQuery> query, Class<A> type) {
    return client
        .ask(query, type, SHORT_PATIENCE)
        .handle((answer, failure) -> failure == null ? Optional.of(answer) : Optional.<A>empty())
        .join();
  }
}
