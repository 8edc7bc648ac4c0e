package dev.symbiont.contract;

import java.time.Instant;

/// A dead letter that nobody needs to look at any more.
///
/// @param replay how often the task had been sent on again before
/// @param reason what became of it
public record Discarded(String taskId, int replay, String reason, Instant at) implements Step {

  public Discarded {
    InvalidFieldException.require("task_id", taskId);
    InvalidFieldException.require("reason", reason);
    InvalidFieldException.require("at", at);
  }

  @Override
  public String eventId() {
    return "%s/discarded.%d".formatted(taskId, replay);
  }
}
