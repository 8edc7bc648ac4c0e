package dev.symbiont.ledger.arbiter;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState.Phase;
import dev.symbiont.ledger.Samples;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TierRecordTest {

  private static final Duration EXPIRY = Duration.ofSeconds(15);
  private static final Instant RESET = NOON.plusSeconds(60);
  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(10), Duration.ofMinutes(2));
  private static final TierRecord OPEN = TierRecord.open("haiku", NOON);

  @Test
  void aLimitClosesTheTierUntilItResets() {
    TierRecord closed = limited(OPEN, 1, RESET, NOON);

    assertThat(closed.takesCalls()).isFalse();
    assertThat(closed.state(NOON).phase()).isEqualTo(Phase.LIMITED);
    assertThat(closed.state(NOON).reason()).isEqualTo("you have hit your limit");
    assertThat(opensAt(closed)).isBetween(RESET, RESET.plusMillis(500));
    assertThat(closed.isDue(RESET.minusMillis(1), EXPIRY)).isFalse();
    assertThat(closed.isDue(RESET.plusMillis(500), EXPIRY)).isTrue();
    assertThat(closed.state(RESET.plusSeconds(1)).phase()).isEqualTo(Phase.PROBING);
  }

  @Test
  void oneProbeAtATimeAndAnotherWhenItTakesTooLong() {
    Instant first = RESET.plusSeconds(1);
    TierRecord probing = probed(limited(OPEN, 1, RESET, NOON), 2, first);

    assertThat(probing.isDue(first.plusSeconds(1), EXPIRY)).isFalse();
    assertThat(probing.isDue(first.plus(EXPIRY), EXPIRY)).isTrue();
  }

  @Test
  void aProbeThatIsAnsweredOpensTheTier() {
    TierRecord open =
        ended(
            probed(limited(OPEN, 1, RESET, NOON), 2, RESET.plusSeconds(1)),
            2,
            0,
            new Outcome.Answered("42", null, false),
            RESET.plusSeconds(3));

    assertThat(open.takesCalls()).isTrue();
    assertThat(open.openings()).isEqualTo(1);
    assertThat(open.state(NOON).since()).isEqualTo(RESET.plusSeconds(3));
  }

  @Test
  void aProbeThatIsRefusedForItsContentHasGotThroughAsWell() {
    TierRecord open =
        ended(
            probed(limited(OPEN, 1, RESET, NOON), 2, RESET.plusSeconds(1)),
            2,
            0,
            new Outcome.Refused(Refusal.TOO_LARGE, "too large"),
            RESET.plusSeconds(3));

    assertThat(open.takesCalls()).isTrue();
  }

  @Test
  void aProbeThatMeetsTheLimitAgainLeavesTheTierClosed() {
    Instant second = RESET.plusSeconds(600);
    TierRecord probing = probed(limited(OPEN, 1, RESET, NOON), 2, RESET.plusSeconds(1));

    TierRecord closed = limited(probing, 2, second, RESET.plusSeconds(2));

    assertThat(closed.state(RESET.plusSeconds(3)).phase()).isEqualTo(Phase.LIMITED);
    assertThat(opensAt(closed)).isBetween(second, second.plusMillis(500));
  }

  @Test
  void aProbeThatSaysNothingAboutTheLimitIsFollowedByAnother() {
    Instant end = RESET.plusSeconds(5);
    TierRecord probing = probed(limited(OPEN, 1, RESET, NOON), 2, RESET.plusSeconds(1));

    TierRecord after = ended(probing, 2, 0, new Outcome.Overloaded("busy"), end);

    assertThat(after.takesCalls()).isFalse();
    assertThat(after.isDue(end, EXPIRY)).isFalse();
    assertThat(after.isDue(end.plusSeconds(21), EXPIRY)).isTrue();
  }

  @Test
  void aProbeWhoseWorkerHadToStopIsFollowedAtOnce() {
    Instant end = RESET.plusSeconds(5);
    TierRecord probing = probed(limited(OPEN, 1, RESET, NOON), 2, RESET.plusSeconds(1));

    TierRecord after = ended(probing, 2, 0, new Outcome.Cancelled("stopped"), end);

    assertThat(after.isDue(end.plusMillis(500), EXPIRY)).isTrue();
  }

  @Test
  void withoutAResetTimeTheTierStaysClosedLongerEachTimeUpToABound() {
    TierRecord record = limited(OPEN, 1, null, NOON);
    Duration before = Duration.between(NOON, opensAt(record));
    assertThat(before).isBetween(Duration.ofSeconds(8), Duration.ofMillis(10_500));

    for (int i = 2; i < 12; i++) {
      Instant now = opensAt(record).plusSeconds(1);
      record = limited(probed(record, i, now), i, null, now);
      Duration closed = Duration.between(now, opensAt(record));
      assertThat(closed).isLessThanOrEqualTo(Duration.ofMillis(120_500));
      assertThat(closed).isGreaterThan(i < 4 ? before : Duration.ofSeconds(50));
      before = closed;
    }
  }

  @Test
  void aLimitFromACallThatBeganBeforeTheLatestOpeningClosesNothing() {
    TierRecord open =
        ended(
            probed(limited(OPEN, 1, RESET, NOON), 2, RESET.plusSeconds(1)),
            2,
            0,
            new Outcome.Answered("42", null, false),
            RESET.plusSeconds(3));

    TierRecord after = limited(open, 3, RESET.plusSeconds(900), RESET.plusSeconds(4));

    assertThat(after).isEqualTo(open);
  }

  @Test
  void aLimitThatIsOverClosesNothingOnceAndIsNotBelievedTwice() {
    TierRecord once = limited(OPEN, 1, NOON.minusSeconds(1), NOON);
    assertThat(once.takesCalls()).isTrue();

    TierRecord twice = limited(once, 2, NOON.minusSeconds(1), NOON);

    assertThat(twice.takesCalls()).isFalse();
    assertThat(opensAt(twice)).isAfter(NOON.plusSeconds(8));
  }

  @Test
  void otherCallsUnderWayMayKnowBetterUntilWhen() {
    TierRecord closed = limited(OPEN, 1, RESET, NOON);

    assertThat(opensAt(limited(closed, 2, RESET.plusSeconds(600), NOON)))
        .isAfterOrEqualTo(RESET.plusSeconds(600));
    assertThat(limited(closed, 2, RESET.minusSeconds(30), NOON)).isEqualTo(closed);
    assertThat(limited(closed, 2, null, NOON)).isEqualTo(closed);
  }

  @Test
  void withoutALoginTheTierStaysClosedUntilItIsWoken() {
    TierRecord closed =
        ended(OPEN, 1, 0, new Outcome.Unauthenticated("run ./symbiont login"), NOON);

    assertThat(closed.state(NOON.plusSeconds(9_999)).phase()).isEqualTo(Phase.UNAUTHENTICATED);
    assertThat(closed.isDue(NOON.plusSeconds(9_999), EXPIRY)).isFalse();

    TierRecord woken = closed.set(set(TierSet.Action.WAKE), NOON.plusSeconds(10));

    assertThat(woken.isDue(NOON.plusSeconds(11), EXPIRY)).isTrue();
  }

  @Test
  void aPausedTierTakesNoCallsUntilItIsWoken() {
    TierRecord paused = OPEN.set(set(TierSet.Action.PAUSE), NOON);
    assertThat(paused.state(NOON).phase()).isEqualTo(Phase.PAUSED);
    assertThat(paused.takesCalls()).isFalse();
    assertThat(paused.isDue(NOON.plusSeconds(9_999), EXPIRY)).isFalse();

    TierRecord woken = paused.set(set(TierSet.Action.WAKE), NOON);

    assertThat(woken.takesCalls()).isTrue();
  }

  @Test
  void wakingALimitedTierLetsOneProbeThrough() {
    TierRecord woken = limited(OPEN, 1, RESET, NOON).set(set(TierSet.Action.WAKE), NOON);

    assertThat(woken.takesCalls()).isFalse();
    assertThat(woken.isDue(NOON.plusMillis(500), EXPIRY)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.89", "0.9", "1"})
  void theRateIsLoweredFromAUtilisationOnUntilTheLimitBeginsAnew(String utilization) {
    var used = new BigDecimal(utilization);
    CallEnded warned = Samples.warned(granted(1, false, NOON), used, RESET);
    var slowDown = Samples.TIERS.cheapest().slowDown();

    TierRecord record = OPEN.ended(warned, 0, NOON, BACKOFF);

    boolean near = used.compareTo(slowDown.at()) >= 0;
    assertThat(record.rateFactor(NOON, slowDown))
        .isEqualTo(near ? slowDown.factor() : BigDecimal.ONE);
    assertThat(record.rateFactor(RESET, slowDown)).isEqualTo(BigDecimal.ONE);
    assertThat(record.state(NOON).utilization()).isEqualTo(used);
  }

  private static TierSet set(TierSet.Action action) {
    return new TierSet("haiku", action, "ask-1", NOON);
  }

  private static TierRecord probed(TierRecord record, int call, Instant at) {
    return record.granted(granted(call, true, at));
  }

  private static TierRecord limited(
      TierRecord record, int call, @Nullable Instant until, Instant now) {
    CallEnded end = Samples.limited(granted(call, false, NOON), until);
    return record.ended(end, 0, now, BACKOFF);
  }

  private static TierRecord ended(
      TierRecord record, int call, long opening, Outcome outcome, Instant now) {
    return record.ended(
        Samples.ended(granted(call, false, NOON), outcome, "0"), opening, now, BACKOFF);
  }

  private static Instant opensAt(TierRecord record) {
    return Objects.requireNonNull(record.opensAt());
  }

  private static CallGranted granted(int number, boolean probe, Instant at) {
    CallGranted it =
        Samples.granted(
            Samples.request(Samples.routed("task-1"), "ask-" + number, "worker-1"), number);
    return new CallGranted(
        it.callId(),
        it.requestId(),
        it.taskId(),
        it.purpose(),
        it.tier(),
        it.model(),
        it.attempt(),
        it.waits(),
        it.opening(),
        probe,
        it.worker(),
        at,
        it.reservedUsd(),
        Map.of(),
        it.promptPreview());
  }
}
