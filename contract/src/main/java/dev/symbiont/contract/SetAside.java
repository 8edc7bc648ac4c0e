package dev.symbiont.contract;

import java.time.Instant;

/// A message that could not go on and lies in the dead letters, as it came.
///
/// @param taskId the task's id if it is a message of the fleet, else derived from its body
/// @param queue where it came from
/// @param preview the first characters of the body
/// @param replay how often an operator had sent the task on again before
public record SetAside(
    String taskId,
    String eventId,
    String queue,
    String reason,
    Instant at,
    long bytes,
    String preview,
    int replay)
    implements Step {}
