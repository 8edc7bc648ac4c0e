package dev.symbiont.ops;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// What was to be seen of a fleet at one moment: answers of its gateway, by what was asked, as `top
/// --json` prints them. [Lookout] says which there are. What is not known is not there.
record Snapshot(Instant at, JsonNode answers) {

  JsonNode of(String name) {
    return answers.path(name);
  }

  /// Whether a ledger-writer has answered this time; what it knows is older if not.
  boolean hasLedger() {
    return of("ledger_at").equals(of("at"));
  }

  Stream<JsonNode> tiers() {
    return of("tiers").path("tiers").valueStream();
  }

  long parked() {
    return tiers().mapToLong(it -> it.path("parked").asLong(0)).sum();
  }

  BigDecimal spentToday() {
    return sum(tiers().map(it -> it.path("spent_today_usd")));
  }

  /// In the hour (UTC) that begins then.
  BigDecimal spent(Instant hour) {
    return sum(
        of("spend").path("groups").properties().stream()
            .filter(it -> it.getKey().startsWith(name(hour)))
            .map(it -> it.getValue().path("cost")));
  }

  BigDecimal spent(Instant hour, String tier) {
    JsonNode group = of("spend").path("groups").path(name(hour) + "," + tier);
    return sum(Stream.of(group.path("cost")));
  }

  JsonNode callsToday(String tier) {
    return of("status").path(tier + "_usage").path("calls_today");
  }

  private static BigDecimal sum(Stream<JsonNode> amounts) {
    return amounts
        .map(it -> it.decimalValue(BigDecimal.ZERO))
        .reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  /// As `/ledger/stats` names hours.
  private static String name(Instant hour) {
    return hour.toString().substring(0, "2026-01-31T12".length());
  }
}
