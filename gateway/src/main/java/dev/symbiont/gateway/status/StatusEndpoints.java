package dev.symbiont.gateway.status;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.Consumption;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Tiers;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.access.Caller;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// Is it running, what is in the queue, what was spent.
@RestController
class StatusEndpoints {

  private static final Pattern GROUPS =
      Pattern.compile("model|tier|purpose|outcome|day|hour|(day|hour),tier|label:.+");

  private final LedgerDoor ledger;
  private final Tiers tiers;
  private final InstantSource clock;
  private final Instant startedAt;

  StatusEndpoints(LedgerDoor ledger, Tiers tiers, InstantSource clock) {
    this.ledger = ledger;
    this.tiers = tiers;
    this.clock = clock;
    this.startedAt = clock.instant();
  }

  @GetMapping("/status")
  ResponseEntity<byte[]> status() {
    Optional<LedgerAnswer.Status> known = ledger.status();
    var body = new LinkedHashMap<String, Object>();
    body.put("status", known.isPresent() ? "healthy" : "degraded: no ledger-writer answers");
    body.put("api_uptime_seconds", Duration.between(startedAt, clock.instant()).toSeconds());
    body.put("rate_limited", known.map(it -> !it.limitedTiers().isEmpty()).orElse(false));
    known.ifPresent(it -> addKnown(body, it));
    return Http.ok(body);
  }

  private void addKnown(Map<String, Object> body, LedgerAnswer.Status status) {
    body.put("queue_size", status.queueSize());
    Instant heartbeat = status.lastHeartbeat();
    body.put(
        "last_heartbeat", heartbeat == null ? null : heartbeat.truncatedTo(ChronoUnit.SECONDS));
    for (String tier : tiers.names()) {
      body.put(tier + "_usage", status.today().getOrDefault(tier, new Consumption(0, 0)));
    }
    body.put("running", status.running());
    body.put("limited_tiers", status.limitedTiers());
    body.put("workers", status.workers());
  }

  @GetMapping("/ledger/stats")
  ResponseEntity<byte[]> stats(
      @RequestParam Map<String, String> query, @AuthenticationPrincipal Caller caller) {
    String groupBy = new Wanted(query, "group_by").text("group_by");
    if (groupBy != null && !GROUPS.matcher(groupBy).matches()) {
      throw Wanted.invalid(
          "group_by",
          "must be one of model, tier, purpose, outcome, day, hour, day,tier, hour,tier, label:NAME");
    }
    var stats =
        ledger.ask(
            (ask, reply) -> new LedgerQuery.Stats(ask, reply, groupBy, caller.owner()),
            LedgerAnswer.Stats.class);
    var body = new LinkedHashMap<String, Object>();
    body.put("total_calls", stats.totalCalls());
    body.put("total_cost_estimated_usd", stats.totalCostUsd());
    body.put("by_model", stats.byModel());
    body.put("by_date", stats.byDate());
    if (groupBy != null) {
      body.put("groups", stats.groups());
    }
    return Http.ok(body);
  }

  /// Takes a health snapshot now, beside the regular ones.
  @PostMapping("/heartbeat")
  ResponseEntity<byte[]> heartbeat() {
    return Http.ok(ledger.ask(LedgerQuery.Heartbeat::new, LedgerAnswer.Heartbeat.class).snapshot());
  }
}
