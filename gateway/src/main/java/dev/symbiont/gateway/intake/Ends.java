package dev.symbiont.gateway.intake;

import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.gateway.Problem;
import org.springframework.http.HttpStatus;

/// What a caller is told of a task that brought no answer. It was accepted and perhaps paid for, so
/// a client library must not repeat the request by itself.
public final class Ends {

  private Ends() {}

  /// An end with an answer; fails with what its caller is told of any other.
  public static TaskEnded successful(TaskEnded end) {
    if (end.state() != TaskState.SUCCEEDED) {
      throw problem(end);
    }
    return end;
  }

  /// Of a task that has ended without success.
  private static Problem problem(TaskEnded end) {
    HttpStatus status =
        switch (end.state()) {
          case FAILED -> HttpStatus.BAD_GATEWAY;
          case SET_ASIDE -> HttpStatus.SERVICE_UNAVAILABLE;
          case CANCELLED -> HttpStatus.CONFLICT;
          case EXPIRED -> HttpStatus.GATEWAY_TIMEOUT;
          case QUEUED, ROUTED, WAITING, RUNNING, SUCCEEDED ->
              throw new IllegalStateException(end.state() + " is no end without success");
        };
    return Problem.of(status, end.reason())
        .with("id", end.taskId())
        .with("task_status", end.state().wire())
        .with("outcome", end.call() == null ? null : end.call().outcome().kind())
        .notToBeRepeated();
  }

  /// For a caller who has the beginning of another answer.
  public static Problem begunAnew(String taskId) {
    return Problem.of(
            HttpStatus.BAD_GATEWAY,
            "the answer was begun anew with another call after some of it was sent; GET /tasks/%s has all of it"
                .formatted(taskId))
        .with("id", taskId)
        .notToBeRepeated();
  }

  /// For callers whose format knows no answer but the last.
  public static Problem takesTooLong(String taskId) {
    return Problem.of(
            HttpStatus.GATEWAY_TIMEOUT,
            "the task takes longer than the gateway waits; it goes on, and GET /tasks/%s has its result"
                .formatted(taskId))
        .with("id", taskId)
        .notToBeRepeated();
  }
}
