package dev.symbiont.contract;

import java.time.Instant;

/// Somebody wants a task to end while a call for it is under way.
public record CancelRequested(String taskId, Instant at) implements Step {

  public CancelRequested {
    InvalidFieldException.require("task_id", taskId);
    InvalidFieldException.require("at", at);
  }

  @Override
  public String eventId() {
    return taskId + "/cancel-requested";
  }
}
