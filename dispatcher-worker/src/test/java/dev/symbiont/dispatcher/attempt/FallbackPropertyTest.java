package dev.symbiont.dispatcher.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TierState.Phase;
import dev.symbiont.contract.Tiers;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.FakeLedger;
import dev.symbiont.dispatcher.FakeProvider;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// One task on its way through generated tiers, with any limits at any time.
class FallbackPropertyTest {

  private static final long SEED = 20260101;
  private static final int RUNS = 500;
  private static final int MOST_TIERS = 6;
  private static final int MOST_WAITS = 40;

  @TempDir Path folder;

  @Test
  void aTaskEndsOrWaitsAndVisitsNoTierTwiceBetweenTwoWaits() throws InterruptedException {
    for (long seed = SEED; seed < SEED + RUNS; seed++) {
      new Journey(seed).follow();
    }
  }

  /// Plays the ledger, the provider, and the time.
  private final class Journey {
    private final String seed;
    private final Random random;
    private final Tiers tiers;
    private final FakeProvider provider = new FakeProvider();
    private final FakeLedger ledger = new FakeLedger();
    private final Map<String, Instant> closedUntil = new HashMap<>();
    private final Attempt.Surroundings around;
    private Instant now = Examples.ACCEPTED;
    private BigDecimal spent = Examples.DECIDING;

    Journey(long seed) {
      this.seed = "seed " + seed;
      this.random = new Random(seed);
      this.tiers = tiers();
      this.around = Examples.around(folder, () -> now, 1);
    }

    void follow() throws InterruptedException {
      String first = tiers.names().get(random.nextInt(tiers.names().size()));
      RoutedTask task = Examples.routed(task(), first);
      var visited = new ArrayList<String>();
      while (task.waits() < MOST_WAITS) {
        visited.add(task.tier());
        assertThat(visited).as(seed).doesNotHaveDuplicates();
        assertThat(task.attempt()).as(seed).isLessThanOrEqualTo((task.waits() + 1) * MOST_TIERS);
        String event = task.eventId();
        switch (step(task)) {
          case Next.Ended(TaskEnded end) -> {
            assertThat(end.totalCostUsd()).as(seed).isEqualByComparingTo(spent);
            return;
          }
          case Next.FallsBack(RoutedTask onward) -> {
            assertThat(onward.attempt()).as(seed).isEqualTo(task.attempt() + 1);
            assertThat(onward.waits()).as(seed).isEqualTo(task.waits());
            task = onward;
          }
          case Next.Waits(RoutedTask waiting) -> {
            assertThat(waiting.waits()).as(seed).isEqualTo(task.waits() + 1);
            assertThat(waiting.triedSinceWaiting()).as(seed).isEmpty();
            assertThat(waiting.tried()).as(seed).hasSizeLessThanOrEqualTo(20);
            visited.clear();
            task = waiting;
            passTime(waiting.tier());
          }
          case Next.Classified _,
              Next.Declined _,
              Next.EndedBefore _,
              Next.AskAgain _,
              Next.Nothing _,
              Next.PutBack _ ->
              throw new AssertionError(seed);
        }
        assertThat(task.eventId()).as(seed).isNotEqualTo(event);
      }
    }

    private Next step(RoutedTask task) throws InterruptedException {
      happen();
      String tier = task.tier();
      Instant closed = closedUntil.get(tier);
      if (closed != null && closed.isAfter(now)) {
        ledger.answerNext(
            it ->
                new GrantAnswer.Closed(
                    it.requestId(), "limit", closed, new Spent(BigDecimal.ZERO, spent)));
      } else {
        BigDecimal cost = BigDecimal.valueOf(random.nextInt(1, 1_000_000), random.nextInt(18));
        Outcome outcome = outcome();
        provider.thenEnds(outcome, cost);
        ledger.hasCost(spent);
        spent = spent.add(cost);
        if (outcome instanceof Outcome.Limited) {
          close(tier);
        }
      }
      return new Attempt(tiers.require(tier, "test"), tiers, provider, ledger, around)
          .run(task, false);
    }

    /// Other tasks close and open tiers as well; this worker hears of some of it.
    private void happen() {
      for (String tier : tiers.names()) {
        if (random.nextInt(4) == 0) {
          close(tier);
        }
        if (random.nextInt(8) != 0) {
          Instant until = closedUntil.get(tier);
          boolean closed = until != null && until.isAfter(now);
          around
              .board()
              .put(
                  new TierState(
                      tier,
                      closed ? Phase.LIMITED : Phase.OPEN,
                      now,
                      closed ? until : null,
                      null,
                      null));
        }
      }
    }

    private void close(String tier) {
      closedUntil.put(tier, now.plus(Duration.ofMinutes(random.nextInt(1, 600))));
    }

    /// Until the tier that the task waits for has opened.
    private void passTime(String tier) {
      Instant until = closedUntil.getOrDefault(tier, now);
      now = until.isAfter(now) ? until : now.plusSeconds(1);
    }

    private Task task() {
      Boolean fallback = random.nextInt(4) == 0 ? Boolean.FALSE : null;
      Boolean downgrade = random.nextInt(3) == 0 ? Boolean.TRUE : null;
      return new Task(
          "task-1",
          "hi",
          null,
          fallback,
          downgrade,
          Priority.NORMAL,
          null,
          null,
          null,
          null,
          null,
          null,
          Map.of(),
          null);
    }

    /// Any tier may name any others, itself included, so that there are loops.
    private Tiers tiers() {
      List<String> names =
          IntStream.rangeClosed(1, random.nextInt(1, MOST_TIERS + 1))
              .mapToObj(it -> "t" + it)
              .toList();
      var all = new ArrayList<Tier>();
      for (String name : names) {
        var fallback = new ArrayList<>(names);
        Collections.shuffle(fallback, random);
        int length = random.nextInt(names.size() + 1);
        all.add(Examples.tier(name, fallback.subList(0, length).toArray(String[]::new)));
      }
      return new Tiers(all);
    }

    private Outcome outcome() {
      return switch (random.nextInt(12)) {
        case 0 -> new Outcome.Answered("x", null, false);
        case 1 -> new Outcome.Refused(Outcome.Refusal.BAD_REQUEST, "no");
        case 2 -> new Outcome.Overloaded("busy");
        case 3 -> new Outcome.Crashed(1, "gone");
        case 4 -> new Outcome.Unreadable("gibberish");
        case 5 -> new Outcome.Unauthenticated("who are you");
        default -> new Outcome.Limited(null, "unknown", "not now");
      };
    }
  }
}
