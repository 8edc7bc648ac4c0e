package dev.symbiont.ledger.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.Priority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RateWindowTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final RateWindow window = new RateWindow();

  @Test
  void thereIsRoomForSoManyCallsAndThenForOneWhenTheFirstLeaves() {
    begin("a", 3, 0);
    begin("b", 3, 10);
    begin("c", 3, 20);

    Optional<Duration> wait = window.wait("d", Priority.NORMAL, 3, MINUTE, seconds(30));

    assertThat(wait).contains(Duration.ofSeconds(31)); // a minute, and a second of slack
    assertThat(window.wait("d", Priority.NORMAL, 3, MINUTE, seconds(61))).isEmpty();
  }

  @Test
  void thoseWhoWaitAreToldDifferentTimes() {
    begin("a", 2, 0);
    begin("b", 2, 10);

    assertThat(secondsToWait("c", Priority.NORMAL, 20)).isEqualTo(41);
    assertThat(secondsToWait("d", Priority.NORMAL, 20)).isEqualTo(51);
    assertThat(secondsToWait("e", Priority.NORMAL, 20)).isEqualTo(41 + 61);
    assertThat(secondsToWait("c", Priority.NORMAL, 20)).isEqualTo(41);
  }

  @Test
  void anUrgentOneIsToldTheFirstTime() {
    begin("a", 2, 0);
    begin("b", 2, 10);
    secondsToWait("c", Priority.LOW, 20);
    secondsToWait("d", Priority.NORMAL, 20);

    assertThat(secondsToWait("e", Priority.HIGH, 20)).isEqualTo(41);
    assertThat(secondsToWait("d", Priority.NORMAL, 20)).isEqualTo(51);
  }

  @Test
  void aLowerRateHoldsAtOnce() {
    begin("a", 4, 0);
    begin("b", 4, 10);
    begin("c", 4, 20);

    assertThat(window.wait("d", Priority.NORMAL, 1, MINUTE, seconds(30)))
        .contains(Duration.ofSeconds(51));
  }

  /// Workers who come and go, ask when told to or earlier or not at all; whatever they do, no
  /// stretch of the period's length has more calls than allowed, and the rate is used up.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void noStretchOfTimeHasMoreCallsThanTheRateAndAtLeastNineTenths(long seed) {
    var random = new SplittableRandom(seed);
    int calls = random.nextInt(1, 80);
    Map<String, Long> comesAt = new HashMap<>();
    List<Long> starts = new ArrayList<>();
    long end = TimeUnit.MINUTES.toMillis(20);
    int workers = Math.max(2, calls / 3);
    for (int i = 0; i < workers; i++) {
      comesAt.put("worker-" + i, random.nextLong(1_000));
    }

    for (long now = 0; now < end; now += 50) {
      for (Map.Entry<String, Long> worker : comesAt.entrySet()) {
        if (worker.getValue() > now) {
          continue;
        }
        Optional<Duration> wait =
            window.wait(
                worker.getKey(),
                Priority.NORMAL,
                calls,
                MINUTE,
                TimeUnit.MILLISECONDS.toNanos(now));
        if (wait.isEmpty()) {
          window.add(TimeUnit.MILLISECONDS.toNanos(now));
          starts.add(now);
          worker.setValue(now + random.nextLong(100));
        } else {
          boolean impatient = random.nextInt(20) == 0;
          worker.setValue(now + (impatient ? 50 : wait.get().toMillis()));
        }
      }
    }

    for (int i = calls; i < starts.size(); i++) {
      assertThat(starts.get(i) - starts.get(i - calls))
          .as("seed %d, calls %d to %d", seed, i - calls, i)
          .isGreaterThanOrEqualTo(MINUTE.toMillis());
    }
    assertThat(starts.size()).as("seed %d", seed).isGreaterThanOrEqualTo(20 * calls * 9 / 10);
  }

  private void begin(String asker, int calls, long second) {
    assertThat(window.wait(asker, Priority.NORMAL, calls, MINUTE, seconds(second))).isEmpty();
    window.add(seconds(second));
  }

  private long secondsToWait(String asker, Priority priority, long second) {
    return window.wait(asker, priority, 2, MINUTE, seconds(second)).orElseThrow().toSeconds();
  }

  private static long seconds(long number) {
    return TimeUnit.SECONDS.toNanos(number);
  }
}
