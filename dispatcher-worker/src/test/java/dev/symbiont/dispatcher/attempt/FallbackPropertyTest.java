package dev.symbiont.dispatcher.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.FakeLedger;
import dev.symbiont.dispatcher.FakeProvider;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FallbackPropertyTest {

  private static final long SEED = 20260101;
  private static final int RUNS = 300;
  private static final int MOST_TIERS = 6;

  @TempDir Path folder;

  @Test
  void aTaskVisitsNoTierTwiceAndAlwaysEnds() throws InterruptedException {
    for (long seed = SEED; seed < SEED + RUNS; seed++) {
      follow(new Random(seed), "seed " + seed);
    }
  }

  private void follow(Random random, String seed) throws InterruptedException {
    Tiers tiers = tiers(random);
    var provider = new FakeProvider();
    var ledger = new FakeLedger();
    var visited = new ArrayList<String>();
    BigDecimal spent = Examples.DECIDING;
    String first = tiers.names().get(random.nextInt(tiers.names().size()));
    RoutedTask task = Examples.routed(Examples.task("task-1", "hi", Priority.NORMAL), first);
    TaskEnded end = null;
    while (end == null) {
      assertThat(visited).as(seed).doesNotContain(task.tier());
      visited.add(task.tier());
      BigDecimal cost = BigDecimal.valueOf(random.nextInt(1, 1_000_000), random.nextInt(18));
      spent = spent.add(cost);
      provider.thenEnds(outcome(random), cost);
      switch (attempt(tiers, task.tier(), provider, ledger).run(task, false, false)) {
        case Next.Ended(TaskEnded it) -> end = it;
        case Next.FallsBack(RoutedTask onward) -> {
          task = onward;
          ledger.hasCost(spent);
        }
        case Next.Classified _,
            Next.EndedBefore _,
            Next.AskAgain _,
            Next.Nothing _,
            Next.PutBack _ ->
            throw new AssertionError(seed);
      }
    }
    assertThat(end.totalCostUsd()).as(seed).isEqualByComparingTo(spent);
    assertThat(ledger.requests()).as(seed).extracting(GrantRequest::tier).isEqualTo(visited);
    assertThat(ledger.requests())
        .as(seed)
        .extracting(GrantRequest::attempt)
        .isEqualTo(IntStream.rangeClosed(1, visited.size()).boxed().toList());
  }

  /// Any tier may name any others, itself included, so that there are loops.
  private static Tiers tiers(Random random) {
    List<String> names =
        IntStream.rangeClosed(1, random.nextInt(1, MOST_TIERS + 1))
            .mapToObj(it -> "t" + it)
            .toList();
    var tiers = new ArrayList<Tier>();
    for (String name : names) {
      var fallback = new ArrayList<>(names);
      Collections.shuffle(fallback, random);
      int length = random.nextInt(names.size() + 1);
      tiers.add(Examples.tier(name, fallback.subList(0, length).toArray(String[]::new)));
    }
    return new Tiers(tiers);
  }

  private static Outcome outcome(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> new Outcome.Answered("x", null, false);
      case 1 -> new Outcome.Refused(Outcome.Refusal.BAD_REQUEST, "no");
      case 2, 3 -> new Outcome.Overloaded("busy");
      case 4 -> new Outcome.Crashed(1, "gone");
      case 5 -> new Outcome.Unreadable("gibberish");
      default -> new Outcome.Limited(null, "unknown", "not now");
    };
  }

  private Attempt attempt(Tiers tiers, String tier, FakeProvider provider, FakeLedger ledger) {
    return new Attempt(
        tiers.require(tier, "test"),
        tiers,
        provider,
        ledger,
        "worker-1",
        new WorkFolder(folder),
        InstantSource.system(),
        new Attempt.Patience(1, Duration.ofMillis(10)));
  }
}
