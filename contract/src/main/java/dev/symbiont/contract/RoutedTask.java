package dev.symbiont.contract;

import java.math.BigDecimal;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A task on its way to a tier.
///
/// @param tier where it goes now; differs from the decision's tier after a fallback
/// @param attempt 1 for the first tier, one more with each fallback
/// @param endedCall the call that made the previous tier give up, whose end this message records
/// @param replay how often an operator had sent the task on again after it was set aside
public record RoutedTask(
    AcceptedTask accepted,
    Decision decision,
    String tier,
    int attempt,
    List<TriedTier> tried,
    @Nullable CallEnded endedCall,
    int replay)
    implements Work {

  @SuppressWarnings("ConstantValue") // JSON may leave it out
  public RoutedTask {
    InvalidFieldException.require("accepted", accepted);
    InvalidFieldException.require("decision", decision);
    InvalidFieldException.require("tier", tier);
    tried = tried == null ? List.of() : List.copyOf(tried);
  }

  @Override
  public String eventId() {
    return taskId() + "/routed." + attempt;
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

  /// The same task at another tier, after `call` and calls for `spent` before it brought no answer
  /// at this one.
  public RoutedTask fallBackTo(String nextTier, CallEnded call, BigDecimal spent) {
    return new RoutedTask(
        accepted, decision, nextTier, attempt + 1, triedWith(call, spent), call, replay);
  }

  /// The tiers tried so far, this one included. `spent` is what earlier calls of this attempt cost.
  public List<TriedTier> triedWith(CallEnded call, BigDecimal spent) {
    var last =
        new TriedTier(
            tier,
            call.outcome().kind(),
            call.outcome().message(),
            spent.add(call.usage().costUsd()));
    return Stream.concat(tried.stream(), Stream.of(last)).toList();
  }
}
