package dev.symbiont.gateway.intake;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.hop.LedgerClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/// The tasks whose callers wait for the end at this gateway. Several may wait for one task.
public final class Waiting {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Map<String, CompletableFuture<TaskEnded>> tasks = new ConcurrentHashMap<>();

  CompletableFuture<TaskEnded> expect(String taskId) {
    return tasks.computeIfAbsent(taskId, _ -> new CompletableFuture<>());
  }

  void forget(String taskId) {
    tasks.remove(taskId);
  }

  public void ended(TaskEnded end) {
    CompletableFuture<TaskEnded> waiting = tasks.remove(end.taskId());
    if (waiting != null) {
      waiting.complete(end);
    }
  }

  /// The ids of the tasks that are awaited.
  public List<String> awaited() {
    return List.copyOf(tasks.keySet());
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
