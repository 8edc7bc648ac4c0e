package dev.symbiont.gateway.intake;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CallView;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.hop.LedgerClient;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The tasks whose callers wait for the end at this gateway. Several may wait for one task.
public final class Waiting implements LedgerClient.Listener {

  private static final Logger log = LoggerFactory.getLogger(Waiting.class);
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
    if (awaited != null && awaited.end.complete(end) && end.state() != TaskState.SUCCEEDED) {
      log.atInfo()
          .addKeyValue("task", end.taskId())
          .log("task {} is {} to its caller: {}", end.taskId(), end.state().wire(), end.reason());
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
                answer ->
                    Optional.ofNullable(answer.task())
                        .flatMap(Waiting::endOf)
                        .ifPresent(this::ended));
  }

  /// One that was set aside on its way has no end that somebody told.
  private static Optional<TaskEnded> endOf(TaskView task) {
    if (task.end() != null || task.state() != TaskState.SET_ASIDE) {
      return Optional.ofNullable(task.end());
    }
    BigDecimal cost =
        task.calls().stream()
            .map(CallView::costUsd)
            .flatMap(Stream::ofNullable)
            .reduce(BigDecimal.ZERO, BigDecimal::add);
    return Optional.of(
        new TaskEnded(
            task.id(),
            task.state(),
            Objects.requireNonNullElse(task.reason(), ""),
            task.decision(),
            List.of(),
            null,
            cost,
            Objects.requireNonNullElse(task.endedAt(), Instant.EPOCH),
            0));
  }
}
