package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.BudgetView;
import dev.symbiont.contract.LedgerAnswer.TierView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.Broker;
import dev.symbiont.ledger.arbiter.Budget;
import dev.symbiont.ledger.index.Index;
import dev.symbiont.ledger.writer.Writer.TierSnapshot;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// How the tiers and the budgets stand.
record TierReport(Tiers tiers, Supplier<List<Budget>> budgets, Broker broker, Index index) {

  LedgerAnswer.Tiers answer(LedgerQuery.Tiers query, TierSnapshot now) {
    Map<String, Long> running = index.runningByTier();
    var views = new ArrayList<TierView>();
    for (Tier tier : tiers.all()) {
      List<String> queues =
          Arrays.stream(Priority.values()).map(it -> Topology.tier(tier.name(), it)).toList();
      long waiting = broker.depths(queues).values().stream().mapToLong(Long::longValue).sum();
      String parked = Topology.parked(tier.name());
      views.add(
          new TierView(
              now.of(tier.name()).orElseThrow(),
              tier.rate(),
              now.rateUsed().getOrDefault(tier.name(), 0),
              waiting,
              broker.depths(List.of(parked)).getOrDefault(parked, 0L),
              running.getOrDefault(tier.name(), 0L),
              now.spentToday().getOrDefault(Budget.tierScope(tier.name()), BigDecimal.ZERO)));
    }
    var budgetViews = new ArrayList<BudgetView>();
    for (Budget budget : budgets.get()) {
      now.spentToday()
          .forEach(
              (scope, spent) -> {
                if (budget.covers(scope)) {
                  budgetViews.add(
                      new BudgetView(scope, budget.usdPerDay(), spent, budget.whenSpent()));
                }
              });
    }
    return new LedgerAnswer.Tiers(query.requestId(), views, budgetViews);
  }
}
