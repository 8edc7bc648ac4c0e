package dev.symbiont.contract;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A dispatcher asks whether it may make a call.
///
/// @param requestId the same for every repetition of this question, which therefore gets the same
///   answer
/// @param tryNumber which call at this tier this is, from 1
/// @param redelivered the broker had given the work to somebody before
public record GrantRequest(
    String requestId,
    String replyKey,
    String taskId,
    Purpose purpose,
    String tier,
    int attempt,
    int tryNumber,
    String worker,
    boolean redelivered,
    @Nullable Instant deadline,
    String promptPreview)
    implements Message {}
