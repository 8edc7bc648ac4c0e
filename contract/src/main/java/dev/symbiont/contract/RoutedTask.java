package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A task on its way to a tier.
///
/// @param tier where it goes now; differs from the decision's tier after a fallback
/// @param attempt 1 for the first tier, one more with each tier after it
/// @param waits how often it has waited for a tier to open, this time included if it waits now
/// @param waitsUntil when it need not wait any longer, as far as that is known; absent if it was
///   never sent to wait
/// @param waitsFor why it waits
/// @param endedCall the call that made the previous tier give up, whose end this message records
/// @param replay how often an operator had sent the task on again after it was set aside
public record RoutedTask(
    AcceptedTask accepted,
    Decision decision,
    String tier,
    int attempt,
    int waits,
    @Nullable Instant waitsUntil,
    @Nullable String waitsFor,
    List<TriedTier> tried,
    @Nullable CallEnded endedCall,
    int replay)
    implements Work {

  private static final int MOST_TRIED = 20;

  @SuppressWarnings("ConstantValue") // JSON may leave it out
  public RoutedTask {
    InvalidFieldException.require("accepted", accepted);
    InvalidFieldException.require("decision", decision);
    InvalidFieldException.require("tier", tier);
    tried = tried == null ? List.of() : List.copyOf(tried);
  }

  @Override
  public String eventId() {
    return "%s/routed.%d%s".formatted(taskId(), attempt, waits == 0 ? "" : "." + waits);
  }

  @Override
  public Purpose purpose() {
    return Purpose.TASK;
  }

  @Override
  public String prompt() {
    return accepted.task().task();
  }

  @Override
  public @Nullable String system() {
    return accepted.task().system();
  }

  @Override
  public @Nullable JsonNode jsonSchema() {
    return accepted.task().jsonSchema();
  }

  /// On its first way to a tier.
  public static RoutedTask first(AcceptedTask accepted, Decision decision) {
    return new RoutedTask(
        accepted, decision, decision.tier(), 1, 0, null, null, List.of(), null, 0);
  }

  /// The same task at another tier, after this one brought no answer.
  ///
  /// @param tried what this tier came to
  /// @param call whose end this message records, if one ended
  public RoutedTask fallBackTo(String nextTier, TriedTier tried, @Nullable CallEnded call) {
    return new RoutedTask(
        accepted,
        decision,
        nextTier,
        attempt + 1,
        waits,
        null,
        null,
        triedWith(tried),
        call,
        replay);
  }

  /// The same task, waiting for a tier: this one, or another that will open sooner.
  public RoutedTask waitFor(
      String waitedFor,
      @Nullable Instant until,
      String reason,
      TriedTier tried,
      @Nullable CallEnded call) {
    return new RoutedTask(
        accepted,
        decision,
        waitedFor,
        waitedFor.equals(tier) ? attempt : attempt + 1,
        waits + 1,
        until,
        reason,
        triedWith(tried),
        call,
        replay);
  }

  /// The tiers tried so far, this one included. Of a task that waits over and over only the latest
  /// are kept.
  public List<TriedTier> triedWith(TriedTier last) {
    List<TriedTier> all = Stream.concat(tried.stream(), Stream.of(last)).toList();
    return all.subList(Math.max(0, all.size() - MOST_TRIED), all.size());
  }

  /// The tiers that were tried since the task last waited. Each is tried once, so that a task comes
  /// to an end or waits.
  public List<String> triedSinceWaiting() {
    return tried.stream().filter(it -> it.waits() == waits).map(TriedTier::tier).toList();
  }

  /// What this tier came to with `call`, and calls for `spent` before it.
  public TriedTier tried(CallEnded call, BigDecimal spent) {
    return new TriedTier(
        tier,
        call.outcome().kind(),
        call.outcome().message(),
        spent.add(call.usage().costUsd()),
        waits);
  }
}
