package dev.symbiont.dispatcher.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.Classification;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TierState.Phase;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.TriedTier;
import dev.symbiont.contract.WhenSpent;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What follows when the ledger says no.
class SequelTest {

  private static final Instant NOW = Examples.ACCEPTED;
  private static final Instant LATER = NOW.plusSeconds(600);
  private static final Spent SPENT = new Spent(BigDecimal.ZERO, Examples.DECIDING);

  private final Tiers tiers = Examples.threeTiers();
  private final TierBoard board = new TierBoard();

  @Test
  void fromAClosedTierATaskGoesToTheFirstOpenOneWithoutACall() {
    board.put(closed("sonnet", LATER));

    Next next = at("haiku").withoutGrant(task("haiku", null, null), isClosed(LATER), false);

    assertThat(next)
        .isInstanceOfSatisfying(
            Next.FallsBack.class,
            it -> {
              assertThat(it.task().tier()).isEqualTo("opus");
              assertThat(it.task().endedCall()).isNull();
              assertThat(it.task().tried())
                  .containsExactly(new TriedTier("haiku", "closed", "limit", BigDecimal.ZERO, 0));
            });
  }

  @Test
  void aTaskIsKeptForATierThatWillBeTriedSoon() {
    assertThat(
            at("opus").withoutGrant(task("opus", null, null), isClosed(NOW.plusSeconds(15)), false))
        .isEqualTo(new Next.AskAgain(Duration.ofSeconds(15), false));
    assertThat(
            at("opus").withoutGrant(task("opus", null, null), isClosed(NOW.minusSeconds(1)), false))
        .isEqualTo(new Next.AskAgain(Duration.ofMillis(50), false));
  }

  @Test
  void elseItWaitsForItsTier() {
    RoutedTask waiting =
        waits(at("opus").withoutGrant(task("opus", null, null), isClosed(LATER), false));

    assertThat(waiting.tier()).isEqualTo("opus");
    assertThat(waiting.attempt()).isEqualTo(1);
    assertThat(waiting.waits()).isEqualTo(1);
    assertThat(waiting.waitsUntil()).isEqualTo(LATER);
    assertThat(waiting.waitsFor()).isEqualTo("limit");
    assertThat(waiting.eventId()).isEqualTo("task-1/routed.1.1");
  }

  @Test
  void orForTheOneThatOpensSooner() {
    board.put(closed("sonnet", NOW.plusSeconds(300)));
    board.put(closed("opus", null));

    RoutedTask waiting =
        waits(at("haiku").withoutGrant(task("haiku", null, null), isClosed(LATER), false));

    assertThat(waiting.tier()).isEqualTo("sonnet");
    assertThat(waiting.attempt()).isEqualTo(2);
    assertThat(waiting.waitsUntil()).isEqualTo(NOW.plusSeconds(300));
  }

  @Test
  void aTaskThatMayNotFallBackWaitsForItsOwnTier() {
    RoutedTask waiting =
        waits(at("haiku").withoutGrant(task("haiku", false, true), isClosed(null), false));

    assertThat(waiting.tier()).isEqualTo("haiku");
    assertThat(waiting.waitsUntil()).isNull();
  }

  @Test
  void aCheaperTierIsTakenOnlyWhereThatIsAllowed() {
    assertThat(
            waits(at("opus").withoutGrant(task("opus", null, false), isClosed(LATER), false))
                .tier())
        .isEqualTo("opus");
    assertThat(at("opus").withoutGrant(task("opus", null, true), isClosed(LATER), false))
        .isInstanceOfSatisfying(
            Next.FallsBack.class, it -> assertThat(it.task().tier()).isEqualTo("sonnet"));
  }

  @Test
  void aTaskComesBackToTheTierThatWasDecidedOn() {
    RoutedTask atOpus =
        task("sonnet", null, null)
            .waitFor(
                "opus",
                LATER,
                "limit",
                new TriedTier("sonnet", "closed", "limit", BigDecimal.ZERO, 0),
                null);

    assertThat(at("opus").withoutGrant(atOpus, isClosed(LATER), false))
        .isInstanceOfSatisfying(
            Next.FallsBack.class, it -> assertThat(it.task().tier()).isEqualTo("sonnet"));
  }

  @Test
  void whileTheRateIsUsedUpATaskIsKeptForAWhileAndThenWaits() {
    assertThat(at("opus").withoutGrant(task("opus", null, null), notBefore(20), false))
        .isEqualTo(new Next.AskAgain(Duration.ofSeconds(20), true));

    RoutedTask waiting =
        waits(at("opus").withoutGrant(task("opus", null, null), notBefore(700), false));

    assertThat(waiting.waitsUntil()).isEqualTo(NOW.plusSeconds(700));
  }

  @Test
  void whereABudgetIsSpentATaskWaitsGoesToACheaperTierOrFails() {
    RoutedTask task = task("opus", null, null);
    board.put(closed("sonnet", LATER));

    assertThat(waits(at("opus").withoutGrant(task, overBudget(WhenSpent.WAIT), false)).waitsUntil())
        .isEqualTo(LATER);
    assertThat(at("opus").withoutGrant(task, overBudget(WhenSpent.FALL_BACK), false))
        .isInstanceOfSatisfying(
            Next.FallsBack.class, it -> assertThat(it.task().tier()).isEqualTo("haiku"));
    assertThat(at("opus").withoutGrant(task, overBudget(WhenSpent.REFUSE), false))
        .isInstanceOfSatisfying(
            Next.Ended.class,
            it -> {
              assertThat(it.end().state()).isEqualTo(TaskState.FAILED);
              assertThat(it.end().reason()).isEqualTo("too dear");
              assertThat(it.end().totalCostUsd()).isEqualTo(Examples.DECIDING);
            });
    assertThat(
            waits(
                    at("haiku")
                        .withoutGrant(
                            task("haiku", null, null), overBudget(WhenSpent.FALL_BACK), false))
                .tier())
        .isEqualTo("haiku");
  }

  static Stream<GrantAnswer> refusals() {
    return Stream.of(
        isClosed(LATER),
        isClosed(NOW.plusSeconds(1)),
        notBefore(700),
        overBudget(WhenSpent.WAIT),
        overBudget(WhenSpent.REFUSE),
        new GrantAnswer.Exhausted("ask-1", 5, SPENT));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void aClassificationThatCannotBeMadeGoesBack(GrantAnswer answer) {
    Work question =
        new Classification(
            task("haiku", null, null).accepted(),
            "haiku",
            "which tier?",
            "decide",
            Codec.mapper().createObjectNode(),
            null);

    assertThat(at("haiku").withoutGrant(question, answer, false))
        .isInstanceOfSatisfying(
            Next.Declined.class,
            it -> {
              assertThat(it.question().declined()).isNotBlank();
              assertThat(it.question().eventId()).isEqualTo("task-1/declined");
            });
  }

  private Sequel at(String tier) {
    Tier it = tiers.require(tier, "test");
    return new Sequel(it, tiers, board, InstantSource.fixed(NOW));
  }

  private static RoutedTask task(
      String tier, @Nullable Boolean allowFallback, @Nullable Boolean allowDowngrade) {
    return Examples.routed(
        new Task(
            "task-1",
            "hi",
            null,
            allowFallback,
            allowDowngrade,
            Priority.NORMAL,
            null,
            null,
            null,
            null,
            null,
            null,
            Map.of(),
            null),
        tier);
  }

  private static GrantAnswer isClosed(@Nullable Instant until) {
    return new GrantAnswer.Closed("ask-1", "limit", until, SPENT);
  }

  private static GrantAnswer notBefore(int seconds) {
    return new GrantAnswer.NotBefore("ask-1", Duration.ofSeconds(seconds), SPENT);
  }

  private static GrantAnswer overBudget(WhenSpent when) {
    return new GrantAnswer.OverBudget("ask-1", when, "too dear", LATER, SPENT);
  }

  private static TierState closed(String tier, @Nullable Instant until) {
    return new TierState(tier, Phase.LIMITED, NOW, until, "limit", null);
  }

  private static RoutedTask waits(Next next) {
    assertThat(next).isInstanceOf(Next.Waits.class);
    return ((Next.Waits) next).task();
  }
}
