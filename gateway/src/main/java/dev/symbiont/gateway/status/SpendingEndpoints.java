package dev.symbiont.gateway.status;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.TokenSum;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.access.Caller;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// What the calls would have cost otherwise: with one tier for everything, or with a subscription
/// in the place of an API key.
@RestController
class SpendingEndpoints {

  private static final BigDecimal SECONDS_PER_MONTH =
      BigDecimal.valueOf(Duration.ofDays(30).toSeconds());
  private static final BigDecimal DAYS_PER_MONTH = BigDecimal.valueOf(30);
  private static final int DECIMALS = 6;

  private final LedgerDoor ledger;
  private final Tiers tiers;
  private final InstantSource clock;

  SpendingEndpoints(LedgerDoor ledger, Tiers tiers, InstantSource clock) {
    this.ledger = ledger;
    this.tiers = tiers;
    this.clock = clock;
  }

  /// @param routingUsd what the classifications cost, which nobody would have needed
  private record WhatIf(
      String tier,
      long calls,
      BigDecimal actualUsd,
      BigDecimal routingUsd,
      BigDecimal whatIfUsd,
      BigDecimal savedUsd,
      List<FromTier> byTier) {}

  private record FromTier(String tier, long calls, BigDecimal actualUsd, BigDecimal whatIfUsd) {}

  /// @param apiUsdPerMonth what the calls would cost in 30 days at the API, if they went on so
  /// @param cheaper `api` or `subscription`
  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record BreakEven(
      @Nullable Instant since,
      Instant until,
      BigDecimal apiUsd,
      BigDecimal apiUsdPerMonth,
      BigDecimal subscriptionUsdPerMonth,
      BigDecimal breakEvenUsdPerDay,
      String cheaper) {}

  /// The tokens are those that were used: another model would have needed a few more or less.
  @GetMapping("/ledger/what-if")
  ResponseEntity<byte[]> whatIf(
      @RequestParam Map<String, String> query, @AuthenticationPrincipal Caller caller) {
    var wanted = new Wanted(query, "tier", "since", "until");
    String name = wanted.text("tier");
    Tier tier =
        tiers
            .find(String.valueOf(name))
            .orElseThrow(
                () -> Wanted.invalid("tier", "must be one of " + String.join(", ", tiers.names())));
    var byTier = new ArrayList<FromTier>();
    BigDecimal routing = BigDecimal.ZERO;
    for (TokenSum sum : tokens(wanted, caller).sums()) {
      if (sum.purpose() == Purpose.CLASSIFICATION) {
        routing = routing.add(sum.costUsd());
      } else {
        byTier.add(new FromTier(sum.tier(), sum.calls(), sum.costUsd(), cost(sum, tier)));
      }
    }
    BigDecimal actual = byTier.stream().map(FromTier::actualUsd).reduce(routing, BigDecimal::add);
    BigDecimal otherwise =
        byTier.stream().map(FromTier::whatIfUsd).reduce(BigDecimal.ZERO, BigDecimal::add);
    return Http.ok(
        new WhatIf(
            tier.name(),
            byTier.stream().mapToLong(FromTier::calls).sum(),
            actual,
            routing,
            otherwise,
            otherwise.subtract(actual),
            byTier));
  }

  @GetMapping("/ledger/break-even")
  ResponseEntity<byte[]> breakEven(
      @RequestParam Map<String, String> query, @AuthenticationPrincipal Caller caller) {
    var wanted = new Wanted(query, "usd_per_month", "since", "until");
    BigDecimal subscription = wanted.amount("usd_per_month");
    LedgerAnswer.Tokens used = tokens(wanted, caller);
    BigDecimal spent =
        used.sums().stream().map(TokenSum::costUsd).reduce(BigDecimal.ZERO, BigDecimal::add);
    Instant since = wanted.time("since") == null ? used.since() : wanted.time("since");
    Instant until = wanted.time("until") == null ? clock.instant() : wanted.time("until");
    long seconds = since == null ? 0 : Math.max(1, Duration.between(since, until).toSeconds());
    BigDecimal perMonth =
        seconds == 0
            ? BigDecimal.ZERO
            : spent
                .multiply(SECONDS_PER_MONTH)
                .divide(BigDecimal.valueOf(seconds), DECIMALS, RoundingMode.HALF_UP);
    return Http.ok(
        new BreakEven(
            since,
            until,
            spent,
            perMonth,
            subscription,
            subscription.divide(DAYS_PER_MONTH, DECIMALS, RoundingMode.HALF_UP),
            perMonth.compareTo(subscription) > 0 ? "subscription" : "api"));
  }

  /// At the price of the tier that was used, what the ledger says counts; it may know better.
  private static BigDecimal cost(TokenSum sum, Tier tier) {
    return sum.tier().equals(tier.name())
        ? sum.costUsd()
        : tier.prices()
            .cost(
                sum.inputTokens(),
                sum.outputTokens(),
                sum.cacheWriteTokens(),
                sum.cacheReadTokens());
  }

  private LedgerAnswer.Tokens tokens(Wanted wanted, Caller caller) {
    return ledger.ask(
        (ask, reply) ->
            new LedgerQuery.Tokens(
                ask, reply, wanted.time("since"), wanted.time("until"), caller.owner()),
        LedgerAnswer.Tokens.class);
  }
}
