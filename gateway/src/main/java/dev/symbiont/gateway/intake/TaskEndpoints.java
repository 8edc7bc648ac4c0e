package dev.symbiont.gateway.intake;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Preference;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.access.Caller;
import dev.symbiont.hop.Broker;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
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
  private final Asking asking;
  private final LedgerDoor ledger;
  private final Broker broker;
  private final Batches batches;
  private final Duration patience;

  TaskEndpoints(
      Submission submission,
      Asking asking,
      Batches batches,
      LedgerDoor ledger,
      Broker broker,
      IntakeSettings settings) {
    this.submission = submission;
    this.asking = asking;
    this.batches = batches;
    this.ledger = ledger;
    this.broker = broker;
    this.patience = settings.patience();
  }

  @PostMapping("/task")
  ResponseEntity<byte[]> submitAndWait(
      HttpServletRequest request,
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
      @RequestHeader(name = "Prefer", required = false) @Nullable List<String> prefer)
      throws IOException, InterruptedException {
    Asking.Request task = submission.read(request.getInputStream(), "task", key, caller);
    Preference preference = Preference.of(prefer);
    return preference.appliedTo(submitAndWait(task, preference.within(patience, patience)));
  }

  private ResponseEntity<byte[]> submitAndWait(Asking.Request task, Duration wait)
      throws InterruptedException {
    return asking
        .submitAndWait(task, wait)
        .map(end -> Http.ok(Ends.successful(end).result().withTask(task.task().task())))
        .orElseGet(() -> stillRunning(task.id()));
  }

  /// Does not wait, unless the caller prefers to.
  @PostMapping("/queue")
  ResponseEntity<byte[]> queue(
      HttpServletRequest request,
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
      @RequestHeader(name = "Prefer", required = false) @Nullable List<String> prefer)
      throws IOException, InterruptedException {
    Asking.Request task = submission.read(request.getInputStream(), "queued", key, caller);
    Preference preference = Preference.of(prefer);
    Duration wait = preference.within(patience, Duration.ZERO);
    if (wait.isPositive()) {
      return preference.appliedTo(submitAndWait(task, wait));
    }
    asking.submit(task);
    var body = new LinkedHashMap<String, Object>();
    body.put("id", task.id());
    body.put("status", "queued");
    body.put("position", position());
    return preference.appliedTo(Http.ok(body));
  }

  @PostMapping("/tasks/batch")
  ResponseEntity<byte[]> batch(
      HttpServletRequest request,
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key)
      throws IOException {
    return Http.ok(batches.submit(request.getInputStream(), key, caller));
  }

  /// At once, or when the task has ended, if the caller prefers to wait for that.
  @GetMapping("/tasks/{id}")
  ResponseEntity<byte[]> show(
      @PathVariable String id,
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Prefer", required = false) @Nullable List<String> prefer)
      throws InterruptedException {
    Preference preference = Preference.of(prefer);
    LedgerAnswer.TaskView task = ledger.task(id, caller);
    Duration wait = preference.within(patience, Duration.ZERO);
    if (task.end() == null && !task.state().isEnd() && wait.isPositive()) {
      var _ = asking.await(id, wait);
      task = ledger.task(id, caller);
    }
    return preference.appliedTo(Http.ok(TaskDocument.of(task)));
  }

  @DeleteMapping("/tasks/{id}")
  ResponseEntity<byte[]> cancel(@PathVariable String id, @AuthenticationPrincipal Caller caller) {
    requireMayCancel(id, caller);
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
      case UNKNOWN -> throw LedgerDoor.unknownTask(id);
    };
  }

  private void requireMayCancel(String id, Caller caller) {
    if (caller.isKeyed()) {
      LedgerAnswer.TaskView task = ledger.task(id, caller);
      if (!caller.mayCancel(task.labels())) {
        throw Problem.of(HttpStatus.FORBIDDEN, "the task was submitted with another key")
            .with("id", id);
      }
    }
  }

  /// Not an error: the task goes on, and its result can be fetched.
  private static ResponseEntity<byte[]> stillRunning(String id) {
    return Http.accepted(Map.of("id", id, "status", "running"), URI.create("/tasks/" + id));
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
