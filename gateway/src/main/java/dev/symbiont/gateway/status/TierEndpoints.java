package dev.symbiont.gateway.status;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TierSet.Action;
import dev.symbiont.contract.TierState;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import java.util.Map;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/// Which tiers take calls, why not, until when; and opening and closing them by hand.
@RestController
class TierEndpoints {

  private final LedgerDoor ledger;

  TierEndpoints(LedgerDoor ledger) {
    this.ledger = ledger;
  }

  @GetMapping("/tiers")
  ResponseEntity<byte[]> tiers() {
    var answer = ledger.ask(LedgerQuery.Tiers::new, LedgerAnswer.Tiers.class);
    return Http.ok(Map.of("tiers", answer.tiers(), "budgets", answer.budgets()));
  }

  /// Tries a closed tier again now, and ends a pause.
  @PostMapping("/tiers/{tier}/wake")
  ResponseEntity<byte[]> wake(@PathVariable String tier) {
    return set(tier, Action.WAKE);
  }

  /// No calls to this tier until it is woken. Calls under way go on.
  @PostMapping("/tiers/{tier}/pause")
  ResponseEntity<byte[]> pause(@PathVariable String tier) {
    return set(tier, Action.PAUSE);
  }

  private ResponseEntity<byte[]> set(String tier, Action action) {
    TierState state =
        ledger
            .ask(
                (ask, reply) -> new LedgerQuery.SetTier(ask, reply, tier, action),
                LedgerAnswer.SetTier.class)
            .state();
    if (state == null) {
      throw Problem.of(HttpStatus.NOT_FOUND, "there is no such tier").with("tier", tier);
    }
    return Http.ok(state);
  }
}
