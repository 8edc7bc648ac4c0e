package dev.symbiont.contract;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A task that the fleet has taken on: what was submitted, with an id, and what was noted on the
/// way in.
///
/// @param possibleDuplicate the broker delivered it twice and nothing in it tells whether it is one
///   task
public record AcceptedTask(Task task, Instant acceptedAt, Reply reply, boolean possibleDuplicate)
    implements Step {

  @SuppressWarnings("ConstantValue") // JSON may leave it out
  public AcceptedTask {
    InvalidFieldException.require("task", task);
    InvalidFieldException.require("accepted_at", acceptedAt);
    InvalidFieldException.require("task.id", task.id());
    reply = reply == null ? Reply.NONE : reply;
  }

  public AcceptedTask again(@Nullable String prompt) {
    return new AcceptedTask(task.again(prompt), acceptedAt, reply, possibleDuplicate);
  }

  @Override
  public String taskId() {
    return Objects.requireNonNull(task.id());
  }

  @Override
  public String eventId() {
    return taskId() + "/accepted";
  }
}
