package dev.symbiont.ledger.journal;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskEnded;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A line of `ledger.jsonl`: what one call was and cost. Derived from the journal entry that ends
/// the call, and from nothing else, so that the file can be made again to the byte. The order of
/// the fields is part of the format.
@JsonPropertyOrder({
  "timestamp",
  "model",
  "success",
  "elapsed_seconds",
  "input_tokens",
  "output_tokens",
  "estimated_cost_usd",
  "prompt_preview",
  "call_id",
  "task_id",
  "tier",
  "purpose",
  "attempt",
  "outcome",
  "worker",
  "cache_read_tokens",
  "cache_write_tokens",
  "resolved_model",
  "simulated",
  "cost_basis"
})
public record LedgerLine(
    String timestamp,
    String model,
    boolean success,
    BigDecimal elapsedSeconds,
    long inputTokens,
    long outputTokens,
    BigDecimal estimatedCostUsd,
    String promptPreview,
    String callId,
    String taskId,
    String tier,
    Purpose purpose,
    int attempt,
    String outcome,
    String worker,
    long cacheReadTokens,
    long cacheWriteTokens,
    @Nullable String resolvedModel,
    boolean simulated,
    CostBasis costBasis) {

  private static final DateTimeFormatter MICROSECONDS =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  /// The call whose end this step records, if it records one.
  public static Optional<CallEnded> callIn(Step step) {
    return Optional.ofNullable(
        switch (step) {
          case CallEnded call -> call;
          case RoutedTask routed -> routed.endedCall();
          case TaskEnded end -> end.call();
          default -> null;
        });
  }

  public static LedgerLine of(CallEnded call) {
    return new LedgerLine(
        MICROSECONDS.format(call.endedAt()),
        call.model(),
        call.succeeded(),
        call.elapsedSeconds(),
        call.usage().inputTokens(),
        call.usage().outputTokens(),
        call.usage().costUsd(),
        call.promptPreview(),
        call.callId(),
        call.taskId(),
        call.tier(),
        call.purpose(),
        call.attempt(),
        call.outcome().kind(),
        call.worker(),
        call.usage().cacheReadTokens(),
        call.usage().cacheWriteTokens(),
        call.usage().resolvedModel(),
        call.simulated(),
        call.usage().costBasis());
  }

  public String date() {
    return timestamp.substring(0, "yyyy-MM-dd".length());
  }

  public long tokens() {
    return inputTokens + outputTokens;
  }

  /// An instant as lines have it, so that texts can be compared.
  public static String timestamp(Instant instant) {
    return MICROSECONDS.format(instant);
  }

  /// The day of an instant, as [#date()] writes it.
  public static String date(Instant instant) {
    return MICROSECONDS.format(instant).substring(0, "yyyy-MM-dd".length());
  }
}
