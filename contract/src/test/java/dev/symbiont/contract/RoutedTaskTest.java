package dev.symbiont.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.HashSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RoutedTaskTest {

  private static final Instant UNTIL = Instant.parse("2026-03-19T17:00:00Z");

  private final RoutedTask first =
      RoutedTask.first(
          new AcceptedTask(Task.of("x").withId("t"), Instant.EPOCH, Reply.NONE, false),
          new Decision("sonnet", Confidence.HIGH, "", DecidedBy.RULE, BigDecimal.ZERO));

  @Test
  void aTaskFirstGoesWhereItWasDecidedToGo() {
    assertThat(first.tier()).isEqualTo("sonnet");
    assertThat(first.attempt()).isEqualTo(1);
    assertThat(first.waits()).isZero();
    assertThat(first.waitsUntil()).isNull();
    assertThat(first.tried()).isEmpty();
    assertThat(first.eventId()).isEqualTo("t/routed.1");
  }

  @Test
  void aTaskThatFallsBackIsAtItsNextAttempt() {
    var call = call(new Outcome.Overloaded("busy"), "0.02");

    var next = first.fallBackTo("opus", first.tried(call, new BigDecimal("0.01")), call);

    assertThat(next.tier()).isEqualTo("opus");
    assertThat(next.attempt()).isEqualTo(2);
    assertThat(next.waits()).isZero();
    assertThat(next.endedCall()).isEqualTo(call);
    assertThat(next.tried())
        .containsExactly(new TriedTier("sonnet", "overloaded", "busy", new BigDecimal("0.03"), 0));
    assertThat(next.eventId()).isEqualTo("t/routed.2");
  }

  @Test
  void aTaskThatWaitsForItsTierStaysAtItsAttempt() {
    var call = call(new Outcome.Limited(UNTIL, "stream", "the limit"), "0");

    var waiting =
        first.waitFor("sonnet", UNTIL, "limited", first.tried(call, BigDecimal.ZERO), call);

    assertThat(waiting.tier()).isEqualTo("sonnet");
    assertThat(waiting.attempt()).isEqualTo(1);
    assertThat(waiting.waits()).isEqualTo(1);
    assertThat(waiting.waitsUntil()).isEqualTo(UNTIL);
    assertThat(waiting.waitsFor()).isEqualTo("limited");
    assertThat(waiting.eventId()).isEqualTo("t/routed.1.1");
  }

  @Test
  void aTaskThatWaitsForAnotherTierIsAtItsNextAttempt() {
    var waiting = first.waitFor("opus", null, "closed", closed("sonnet", 0), null);

    assertThat(waiting.tier()).isEqualTo("opus");
    assertThat(waiting.attempt()).isEqualTo(2);
    assertThat(waiting.waits()).isEqualTo(1);
    assertThat(waiting.eventId()).isEqualTo("t/routed.2.1");
  }

  @Test
  void aTaskThatFallsBackNoLongerWaits() {
    var waiting = first.waitFor("sonnet", UNTIL, "limited", closed("sonnet", 0), null);

    var next = waiting.fallBackTo("opus", closed("sonnet", 1), null);

    assertThat(next.waits()).isEqualTo(1);
    assertThat(next.waitsUntil()).isNull();
    assertThat(next.waitsFor()).isNull();
    assertThat(next.eventId()).isEqualTo("t/routed.2.1");
  }

  @Test
  void everyTierMayBeTriedAgainAfterAWait() {
    var second = first.fallBackTo("opus", closed("sonnet", 0), null);
    var waiting = second.waitFor("sonnet", UNTIL, "limited", closed("opus", 0), null);
    var again = waiting.fallBackTo("opus", closed("sonnet", 1), null);

    assertThat(second.triedSinceWaiting()).containsExactly("sonnet");
    assertThat(waiting.triedSinceWaiting()).isEmpty();
    assertThat(waiting.tried()).extracting(TriedTier::tier).containsExactly("sonnet", "opus");
    assertThat(again.triedSinceWaiting()).containsExactly("sonnet");
  }

  @Test
  void ofATaskThatWaitsOverAndOverOnlyTheLatestTriesAreKept() {
    var task = first;
    for (int i = 0; i < 1_000; i++) {
      task = task.waitFor("sonnet", UNTIL, "limited", closed("sonnet", i), null);
    }

    assertThat(task.waits()).isEqualTo(1_000);
    assertThat(task.tried()).hasSize(20);
    assertThat(task.tried().getFirst().waits()).isEqualTo(980);
    assertThat(task.tried().getLast().waits()).isEqualTo(999);
  }

  @Test
  void noTwoMessagesOfATaskHaveTheSameId() {
    long seed = Long.getLong("symbiont.test.seed", 20260319L);
    var random = new Random(seed);
    for (int run = 0; run < 200; run++) {
      var ids = new HashSet<String>();
      var task = first;
      ids.add(task.eventId());
      for (int i = 0; i < 50; i++) {
        String next = random.nextBoolean() ? "sonnet" : "opus";
        TriedTier tried = closed(task.tier(), task.waits());
        task =
            random.nextBoolean()
                ? task.waitFor(next, UNTIL, "", tried, null)
                : task.fallBackTo(next, tried, null);

        assertThat(ids.add(task.eventId())).as("%s of seed %d", task.eventId(), seed).isTrue();
      }
    }
  }

  private static TriedTier closed(String tier, int waits) {
    return new TriedTier(tier, "closed", "", BigDecimal.ZERO, waits);
  }

  private static CallEnded call(Outcome outcome, String cost) {
    return new CallEnded(
        "t/call.1",
        "t",
        Purpose.TASK,
        "sonnet",
        "sonnet",
        1,
        "w",
        Instant.EPOCH,
        BigDecimal.ZERO,
        outcome,
        new Usage(0, 0, 0, 0, new BigDecimal(cost), CostBasis.CLI, null),
        false,
        "",
        null,
        null);
  }
}
