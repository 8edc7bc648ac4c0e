package dev.symbiont.ledger.arbiter;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tier.OnUnknown;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.WhenSpent;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.journal.Span;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The one place that decides about calls: whether one may begin, and when one that began is given
/// up.
///
/// Keeps the tasks in memory that moved lately, and looks the others up: millions of them can wait.
/// Not thread-safe: the writer is its only user.
public final class Arbiter {

  private static final int MOST_RECENT = 20_000;
  private static final int REFUSALS_KEPT = 10_000;

  private final Tiers tiers;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final Rules rules;
  private final Function<String, Optional<TaskRecord>> lookUp;

  /// The tasks used last. What is not written yet is in [#changed] as well.
  private final Map<String, TaskRecord> recent =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, TaskRecord> eldest) {
          return size() > MOST_RECENT;
        }
      };

  private final Map<String, TaskRecord> changed = new LinkedHashMap<>();
  private final Map<String, CallRecord> openCalls = new LinkedHashMap<>();
  private final Workers workers = new Workers();
  private final Map<String, TierRecord> gates = new LinkedHashMap<>();
  private final Map<String, RateWindow> windows = new HashMap<>();

  /// What was answered lately to requests that were not granted.
  private final SequencedMap<String, GrantAnswer> refusals = new LinkedHashMap<>();

  private final Spending spending;
  private final AccessKeys keys;

  /// What the arbiter decides by, beside the tiers.
  ///
  /// @param maxCallsPerStep calls that may begin for one step without an answer
  /// @param probeExpiry how long a probe may take before another one follows
  public record Rules(
      int maxCallsPerStep, Backoff backoff, Duration probeExpiry, List<Budget> budgets) {

    /// For readers of old entries, which decide nothing but have to come to the same state.
    public static Rules replaying(Backoff backoff) {
      return new Rules(0, backoff, Duration.ofSeconds(1), List.of());
    }
  }

  /// What an arbiter has to remember from before.
  ///
  /// @param openCalls the tasks with a call that has no end
  /// @param lately the tasks with a call that began within the longest period of a rate
  public record Memory(
      Collection<TaskRecord> openCalls,
      Collection<TaskRecord> lately,
      List<TierRecord> tiers,
      List<Sum> spending,
      List<AccessKey> keys) {

    public static final Memory NONE =
        new Memory(List.of(), List.of(), List.of(), List.of(), List.of());
  }

  /// What is answered to a request, and what has to be on disk before.
  ///
  /// @param grant the new call, if there is one
  /// @param endOf the task whose end belongs into the answer, if it has one
  public record Verdict(
      GrantAnswer answer, @Nullable CallGranted grant, @Nullable TaskRecord endOf) {}

  /// @param nanoTime a clock that nobody sets, for rates
  /// @param lookUp finds a task as it was when [#takeChanged()] was called last
  public Arbiter(
      Tiers tiers,
      InstantSource clock,
      LongSupplier nanoTime,
      Rules rules,
      Memory memory,
      Function<String, Optional<TaskRecord>> lookUp) {
    this.tiers = tiers;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.rules = rules;
    this.lookUp = lookUp;
    this.spending = new Spending(memory.spending);
    this.keys = new AccessKeys(memory.keys, rules.budgets);
    memory.tiers.forEach(it -> gates.put(it.tier(), it));
    tiers.names().forEach(it -> gates.putIfAbsent(it, TierRecord.open(it, clock.instant())));
    tiers.names().forEach(it -> windows.put(it, new RateWindow()));
    memory.openCalls.forEach(this::keep);
    countAgain(memory.lately);
  }

  /// The calls of the latest period, in the order in which they began. A clock that was set
  /// meanwhile makes them seem older or younger, but never to come.
  private void countAgain(Collection<TaskRecord> lately) {
    Instant now = clock.instant();
    lately.stream()
        .flatMap(it -> it.calls().stream())
        .filter(it -> windows.containsKey(it.tier()))
        .sorted(Comparator.comparing(CallRecord::grantedAt))
        .forEach(
            call -> {
              Duration age = Duration.between(call.grantedAt(), now);
              Tier tier = tiers.require(call.tier(), "symbiont.tiers");
              if (age.compareTo(tier.rate().period()) < 0) {
                window(tier).add(nanoTime.getAsLong() - Math.max(0, age.toNanos()));
              }
            });
  }

  /// Whether this event was recorded before.
  public boolean hasSeen(String taskId, String eventId) {
    return find(taskId).filter(task -> task.hasSeen(eventId)).isPresent();
  }

  /// Takes a recorded step into account.
  ///
  /// @param recordedAt when it was recorded first
  public void apply(String eventId, Step step, Span span, Instant recordedAt) {
    var task = find(step.taskId()).orElseGet(() -> TaskRecord.unseen(step.taskId()));
    if (step instanceof CallGranted granted) {
      change(granted.tier(), recordedAt, gate -> gate.granted(granted));
      spending.add(
          dayOf(granted.grantedAt()), granted.tier(), granted.labels(), granted.reservedUsd());
    }
    LedgerLine.callIn(step)
        .ifPresent(
            end ->
                task.calls().stream()
                    .filter(call -> call.callId().equals(end.callId()))
                    .findFirst()
                    .ifPresent(call -> ended(call, end, recordedAt)));
    var next = task.after(eventId, step, span);
    keep(next);
    changed.put(next.id(), next);
  }

  private void ended(CallRecord call, CallEnded end, Instant recordedAt) {
    change(
        call.tier(),
        recordedAt,
        gate -> gate.ended(end, call.opening(), recordedAt, rules.backoff));
    spending.add(
        dayOf(call.grantedAt()),
        call.tier(),
        call.labels(),
        end.usage().costUsd().subtract(call.costUsd()));
  }

  /// Takes into account what an operator did to a tier.
  public void apply(TierSet set, Instant recordedAt) {
    change(set.tier(), recordedAt, gate -> gate.set(set, recordedAt));
  }

  /// Takes into account how a key stands now.
  public void apply(AccessKey key) {
    keys.put(key);
  }

  public Optional<AccessKey> key(String id) {
    return keys.find(id);
  }

  /// The keys that changed since the last call of this.
  public List<AccessKey> takeChangedKeys() {
    return keys.takeChanged();
  }

  /// Those that are configured, and those of keys.
  public List<Budget> budgets() {
    return keys.budgets();
  }

  private void change(String tier, Instant now, UnaryOperator<TierRecord> change) {
    gates.compute(
        tier, (_, gate) -> change.apply(gate == null ? TierRecord.open(tier, now) : gate));
  }

  /// How every tier stands.
  public List<TierRecord> tiers() {
    return List.copyOf(gates.values());
  }

  /// The states of the configured tiers, cheapest first.
  public List<TierState> states() {
    Instant now = clock.instant();
    return tiers.names().stream().map(it -> gate(it).state(now)).toList();
  }

  /// The tiers whose next call is a probe.
  public List<String> wantProbe() {
    Instant now = clock.instant();
    return tiers.names().stream().filter(it -> gate(it).isDue(now, rules.probeExpiry)).toList();
  }

  /// Granted calls within the period of a tier's rate.
  public int rateUsed(Tier tier) {
    return window(tier).used(tier.rate().period(), nanoTime.getAsLong());
  }

  /// What was spent today, by scope.
  public Map<String, BigDecimal> spentToday() {
    return spending.on(dayOf(clock.instant()));
  }

  /// What was added to the sums since the last call of this.
  public List<Sum> takeSpending() {
    return spending.takeAdded(dayOf(clock.instant().minus(Duration.ofDays(2))));
  }

  /// The calls under way of tasks that somebody has cancelled.
  public List<CallRecord> callsToStop() {
    return openCalls.values().stream()
        .filter(call -> find(call.taskId()).filter(TaskRecord::isToStop).isPresent())
        .toList();
  }

  /// The tasks that changed since the last call of this, which from now on can be looked up.
  public List<TaskRecord> takeChanged() {
    var all = List.copyOf(changed.values());
    changed.clear();
    return all;
  }

  /// May this call be made?
  ///
  /// Whoever asks goes by the first answer, but may have asked the same question several times: a
  /// grant for a later copy would be a call that nobody makes, and that stays open.
  public Verdict decide(GrantRequest request) {
    GrantAnswer told = refusals.get(request.requestId());
    if (told != null) {
      return answer(told);
    }
    Verdict verdict = decideAnew(request);
    if (verdict.endOf == null && !(verdict.answer instanceof GrantAnswer.Granted)) {
      refusals.put(request.requestId(), verdict.answer);
      if (refusals.size() > REFUSALS_KEPT) {
        refusals.pollFirstEntry();
      }
    }
    return verdict;
  }

  /// The order of the questions is the order of precedence.
  private Verdict decideAnew(GrantRequest request) {
    String id = request.requestId();
    var task = find(request.taskId()).orElseGet(() -> TaskRecord.unseen(request.taskId()));
    for (CallRecord call : task.calls()) {
      if (call.requestId().equals(id)) {
        // A late copy of the question of a call that has ended: nobody waits for a second grant.
        return answer(
            call.isOpen()
                ? new GrantAnswer.Granted(
                    id,
                    call.callId(),
                    startWithin(call.tier()),
                    task.spentBefore(call.purpose(), call.attempt()))
                : new GrantAnswer.Finished(id, null));
      }
    }
    if (task.state() == TaskState.CANCELLED || task.isToStop()) {
      return answer(new GrantAnswer.Cancelled(id));
    }
    if (task.state().isEnd()) {
      return new Verdict(new GrantAnswer.Finished(id, null), null, task);
    }
    if (task.hasMovedOn(request.purpose(), request.attempt(), request.waits())) {
      return answer(new GrantAnswer.Finished(id, null));
    }
    List<CallRecord> before = task.callsOf(request.purpose(), request.attempt());
    for (CallRecord call : before) {
      if (call.isOpen()) {
        return answer(new GrantAnswer.Running(id, call.worker()));
      }
    }
    var spent = task.spentBefore(request.purpose(), request.attempt());
    Instant now = clock.instant();
    if (request.deadline() != null && !now.isBefore(request.deadline())) {
      return answer(new GrantAnswer.Expired(id, spent));
    }
    int begun = (int) before.stream().filter(it -> !it.isForgiven()).count();
    if (begun >= rules.maxCallsPerStep) {
      return answer(new GrantAnswer.Exhausted(id, begun, spent));
    }
    Optional<Tier> tier = tiers.find(request.tier());
    if (request.purpose() == Purpose.TASK
        && !before.isEmpty()
        && before.getLast().isUnknown()
        && tier.map(Tier::onUnknown).orElse(OnUnknown.RETRY) == OnUnknown.FAIL) {
      return answer(new GrantAnswer.Unknown(id, before.getLast().callId(), spent));
    }
    if (tier.isEmpty()) {
      // One that is no longer configured here; whoever has the message knows it.
      return grant(request, task, request.tier(), BigDecimal.ZERO, spent, null);
    }
    return decide(request, task, tier.get(), spent, now);
  }

  /// The task may be called; may the tier?
  private Verdict decide(
      GrantRequest request, TaskRecord task, Tier tier, Spent spent, Instant now) {
    String id = request.requestId();
    TierRecord gate = gate(tier.name());
    if (!gate.takesCalls() && !gate.isDue(now, rules.probeExpiry)) {
      return answer(closed(id, gate, spent, now));
    }
    Optional<GrantAnswer> broke = overBudget(request, tier, spent, now);
    if (broke.isPresent()) {
      return answer(broke.get());
    }
    Optional<Duration> wait =
        window(tier)
            .wait(
                request.worker(),
                request.priority(),
                calls(tier, gate, now),
                tier.rate().period(),
                nanoTime.getAsLong());
    if (wait.isPresent()) {
      return answer(new GrantAnswer.NotBefore(id, wait.get(), spent));
    }
    window(tier).add(nanoTime.getAsLong());
    return grant(request, task, tier.model(), tier.typicalCostUsd(), spent, gate);
  }

  /// @param gate of the tier, if it has one
  private Verdict grant(
      GrantRequest request,
      TaskRecord task,
      String model,
      BigDecimal reservedUsd,
      Spent spent,
      @Nullable TierRecord gate) {
    String callId = "%s/call.%d".formatted(task.id(), task.calls().size() + 1);
    var granted =
        new CallGranted(
            callId,
            request.requestId(),
            task.id(),
            request.purpose(),
            request.tier(),
            model,
            request.attempt(),
            request.waits(),
            gate == null ? 0 : gate.openings(),
            gate != null && !gate.takesCalls(),
            request.worker(),
            clock.instant(),
            reservedUsd,
            budgetLabels(request.labels()),
            request.promptPreview());
    return new Verdict(
        new GrantAnswer.Granted(request.requestId(), callId, startWithin(request.tier()), spent),
        granted,
        null);
  }

  /// While a probe is under way the others need not wait longer than until the next one.
  private GrantAnswer closed(String id, TierRecord gate, Spent spent, Instant now) {
    TierState state = gate.state(now);
    Instant until = state.until();
    if (state.phase() == TierState.Phase.PROBING && gate.probedAt() != null) {
      until = gate.probedAt().plus(rules.probeExpiry);
    }
    return new GrantAnswer.Closed(id, String.valueOf(state.reason()), until, spent);
  }

  private Optional<GrantAnswer> overBudget(
      GrantRequest request, Tier tier, Spent spent, Instant now) {
    BigDecimal cost = tier.typicalCostUsd();
    BigDecimal most = request.maxCostUsd();
    if (most != null && spent.taskUsd().add(cost).compareTo(most) > 0) {
      return Optional.of(
          new GrantAnswer.OverBudget(
              request.requestId(),
              WhenSpent.REFUSE,
              "max_cost_usd is $%s; $%s are spent, and a call to %s costs about $%s"
                  .formatted(
                      most.toPlainString(),
                      spent.taskUsd().toPlainString(),
                      tier.name(),
                      cost.toPlainString()),
              null,
              spent));
    }
    String day = dayOf(now);
    for (Budget budget : budgets()) {
      Optional<String> scope = budget.scope(tier.name(), request.labels());
      if (scope.isEmpty()) {
        continue;
      }
      BigDecimal used = spending.of(day, scope.get());
      if (used.add(cost).compareTo(budget.usdPerDay()) > 0) {
        return Optional.of(
            new GrantAnswer.OverBudget(
                request.requestId(),
                budget.whenSpent(),
                "the budget of %s is $%s a day; $%s are spent or reserved, and a call to %s costs about $%s"
                    .formatted(
                        scope.get(),
                        budget.usdPerDay().toPlainString(),
                        used.toPlainString(),
                        tier.name(),
                        cost.toPlainString()),
                LocalDate.ofInstant(now, ZoneOffset.UTC)
                    .plusDays(1)
                    .atStartOfDay(ZoneOffset.UTC)
                    .toInstant(),
                spent));
      }
    }
    return Optional.empty();
  }

  /// Only what a budget names is worth remembering.
  private Map<String, String> budgetLabels(Map<String, String> labels) {
    var named = new HashMap<String, String>();
    for (Budget budget : budgets()) {
      if (budget.label() != null && labels.containsKey(budget.label())) {
        named.put(budget.label(), labels.get(budget.label()));
      }
    }
    return named;
  }

  /// Calls in a period: as configured, or fewer while a limit comes near.
  private static int calls(Tier tier, TierRecord gate, Instant now) {
    BigDecimal factor = gate.rateFactor(now, tier.slowDown());
    return Math.max(1, factor.multiply(BigDecimal.valueOf(tier.rate().calls())).intValue());
  }

  private @Nullable Duration startWithin(String tier) {
    return tiers.find(tier).map(it -> RateWindow.slack(it.rate().period())).orElse(null);
  }

  private TierRecord gate(String tier) {
    return Objects.requireNonNull(gates.get(tier));
  }

  private RateWindow window(Tier tier) {
    return Objects.requireNonNull(windows.get(tier.name()));
  }

  private static String dayOf(Instant at) {
    return LedgerLine.date(at);
  }

  /// What is known of a task, open or ended.
  public Optional<TaskRecord> find(String taskId) {
    TaskRecord task = changed.get(taskId);
    if (task == null) {
      task = recent.get(taskId);
    }
    return task == null ? lookUp.apply(taskId) : Optional.of(task);
  }

  /// Notes a sign of life. One of this ledger-writer's own lets time pass: returned are the ends,
  /// as unknown, of the calls that will not end by themselves.
  public List<CallEnded> beat(WorkerBeat beat, boolean own) {
    workers.heard(beat);
    if (!own) {
      return List.of();
    }
    workers.pass(openCalls.values());
    return openCalls.values().stream()
        .flatMap(call -> workers.givenUp(call).map(why -> unknownEnd(call, why)).stream())
        .toList();
  }

  /// The last signs of life of the workers that have not lapsed.
  public List<WorkerBeat> liveWorkers() {
    return workers.alive();
  }

  private static Verdict answer(GrantAnswer answer) {
    return new Verdict(answer, null, null);
  }

  private void keep(TaskRecord task) {
    recent.put(task.id(), task);
    for (CallRecord call : task.calls()) {
      if (call.isOpen()) {
        openCalls.put(call.callId(), call);
      } else {
        openCalls.remove(call.callId());
      }
    }
  }

  private CallEnded unknownEnd(CallRecord call, String why) {
    Instant now = clock.instant();
    var usage = new Usage(0, 0, 0, 0, call.costUsd(), CostBasis.UNKNOWN, null);
    return new CallEnded(
        call.callId(),
        call.taskId(),
        call.purpose(),
        call.tier(),
        call.model(),
        call.attempt(),
        call.worker(),
        now,
        BigDecimal.valueOf(Duration.between(call.grantedAt(), now).toMillis(), 3),
        new Outcome.Unknown(why),
        usage,
        false,
        call.promptPreview(),
        null,
        null);
  }
}
