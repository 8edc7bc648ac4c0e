package dev.symbiont.gateway.intake;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import dev.symbiont.hop.Broker;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/// Submit a task and wait, queue one, look at one, cancel one. Runs on virtual threads, so that a
/// caller who waits for minutes costs next to nothing.
@RestController
class TaskEndpoints {

  private final Submission submission;
  private final Waiting waiting;
  private final LedgerDoor ledger;
  private final Broker broker;
  private final Duration patience;

  TaskEndpoints(
      Submission submission,
      Waiting waiting,
      LedgerDoor ledger,
      Broker broker,
      IntakeSettings settings) {
    this.submission = submission;
    this.waiting = waiting;
    this.ledger = ledger;
    this.broker = broker;
    this.patience = settings.patience();
  }

  @PostMapping("/task")
  ResponseEntity<byte[]> submitAndWait(
      HttpServletRequest request,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key)
      throws IOException, InterruptedException {
    Task task = submission.read(request.getInputStream(), "task", key);
    String id = Objects.requireNonNull(task.id());
    CompletableFuture<TaskEnded> end = waiting.expect(id);
    try {
      submission.accept(task, Reply.toGateway(ledger.replyKey()));
      if (key != null) {
        // It may have ended long ago, and its end is then not sent again.
        waiting.askFor(id, ledger.client());
      }
      return answer(task, end.get(patience.toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      return stillRunning(id);
    } catch (ExecutionException e) {
      throw new IllegalStateException("waiting for task " + id, e);
    } finally {
      waiting.forget(id);
    }
  }

  @PostMapping("/queue")
  ResponseEntity<byte[]> queue(
      HttpServletRequest request,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key)
      throws IOException {
    Task task = submission.read(request.getInputStream(), "queued", key);
    submission.accept(task, Reply.NONE);
    var body = new LinkedHashMap<String, Object>();
    body.put("id", task.id());
    body.put("status", "queued");
    body.put("position", position());
    return Http.ok(body);
  }

  @GetMapping("/tasks/{id}")
  ResponseEntity<byte[]> show(@PathVariable String id) {
    var found =
        ledger.ask(
            (ask, reply) -> new LedgerQuery.TaskById(ask, reply, id), LedgerAnswer.TaskById.class);
    LedgerAnswer.TaskView task = found.task();
    if (task == null) {
      throw unknown(id);
    }
    return Http.ok(TaskDocument.of(task));
  }

  @DeleteMapping("/tasks/{id}")
  ResponseEntity<byte[]> cancel(@PathVariable String id) {
    CancelVerdict verdict =
        ledger
            .ask((ask, reply) -> new LedgerQuery.Cancel(ask, reply, id), LedgerAnswer.Cancel.class)
            .verdict();
    return switch (verdict) {
      case CANCELLED -> Http.ok(Map.of("id", id, "status", TaskState.CANCELLED));
      // A call is under way and is being ended; it may still bring its answer first.
      case STOPPING ->
          Http.accepted(Map.of("id", id, "status", "cancelling"), URI.create("/tasks/" + id));
      case RUNNING ->
          throw Problem.of(
                  HttpStatus.CONFLICT,
                  "a call for the task is under way, and the ledger-writer cannot end it yet")
              .with("id", id);
      case ENDED -> throw Problem.of(HttpStatus.CONFLICT, "the task has ended").with("id", id);
      case UNKNOWN -> throw unknown(id);
    };
  }

  private static ResponseEntity<byte[]> answer(Task task, TaskEnded end) {
    return switch (end.state()) {
      case SUCCEEDED -> Http.ok(end.result().withTask(task.task()));
      case FAILED -> throw failed(HttpStatus.BAD_GATEWAY, end);
      case SET_ASIDE -> throw failed(HttpStatus.SERVICE_UNAVAILABLE, end);
      case CANCELLED -> throw failed(HttpStatus.CONFLICT, end);
      case EXPIRED -> throw failed(HttpStatus.GATEWAY_TIMEOUT, end);
      case QUEUED, ROUTED, WAITING, RUNNING ->
          throw new IllegalStateException(end.state() + " is no end");
    };
  }

  private static Problem failed(HttpStatus status, TaskEnded end) {
    return Problem.of(status, end.reason())
        .with("id", end.taskId())
        .with("task_status", end.state().wire())
        .with("outcome", end.call() == null ? null : end.call().outcome().kind());
  }

  /// Not an error: the task goes on, and its result can be fetched.
  private static ResponseEntity<byte[]> stillRunning(String id) {
    return Http.accepted(Map.of("id", id, "status", "running"), URI.create("/tasks/" + id));
  }

  private static Problem unknown(String id) {
    return Problem.of(HttpStatus.NOT_FOUND, "no task has this id").with("id", id);
  }

  /// This task's place among those that are not called yet. The acceptance was confirmed before we
  /// ask, so the ledger counts it in; while no ledger-writer is up, what waits in the inbox is the
  /// best there is to say.
  private long position() {
    return ledger
        .status()
        .map(LedgerAnswer.Status::queueSize)
        .orElseGet(
            () ->
                broker
                    .depths(Arrays.stream(Priority.values()).map(Topology::inbox).toList())
                    .values()
                    .stream()
                    .mapToLong(Long::longValue)
                    .sum());
  }
}
