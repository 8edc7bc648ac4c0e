package dev.symbiont.contract;

import java.time.Instant;

/// A message that could not go on and lies in the dead letters, as it came.
///
/// @param taskId the message's own id if it has one, else derived from its body
/// @param queue where it came from
/// @param preview the first characters of the body
public record SetAside(
    String taskId,
    String eventId,
    String queue,
    String reason,
    Instant at,
    long bytes,
    String preview)
    implements Step {}
