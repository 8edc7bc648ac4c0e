package dev.symbiont.gateway.intake;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.hop.LedgerClient;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/// The tasks whose callers wait for the end at this gateway. Several may wait for one task.
public final class Waiting implements LedgerClient.Listener {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Map<String, Awaited> tasks = new ConcurrentHashMap<>();

  /// Changed only while the map computes.
  private static final class Awaited {
    final CompletableFuture<TaskEnded> end = new CompletableFuture<>();
    int callers;
  }

  /// To be forgotten by everyone who expected it.
  CompletableFuture<TaskEnded> expect(String taskId) {
    return tasks.compute(
            taskId,
            (_, known) -> {
              Awaited awaited = known == null ? new Awaited() : known;
              awaited.callers++;
              return awaited;
            })
        .end;
  }

  void forget(String taskId) {
    tasks.computeIfPresent(taskId, (_, awaited) -> --awaited.callers == 0 ? null : awaited);
  }

  @Override
  public void ended(TaskEnded end) {
    Awaited awaited = tasks.get(end.taskId());
    if (awaited != null) {
      awaited.end.complete(end);
    }
  }

  /// Ends may have gone to a queue that went with the connection.
  @Override
  public void reconnected(LedgerClient ledger) {
    tasks.keySet().forEach(id -> askFor(id, ledger));
  }

  /// Asks the ledger whether a task has ended already.
  public void askFor(String taskId, LedgerClient ledger) {
    var _ =
        ledger
            .ask(
                (ask, reply) -> new LedgerQuery.TaskById(ask, reply, taskId),
                LedgerAnswer.TaskById.class,
                PATIENCE)
            .thenAccept(
                answer -> {
                  if (answer.task() != null && answer.task().end() != null) {
                    ended(answer.task().end());
                  }
                });
  }
}
