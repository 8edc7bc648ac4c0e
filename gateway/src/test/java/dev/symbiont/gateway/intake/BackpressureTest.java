package dev.symbiont.gateway.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.symbiont.gateway.Problem;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BackpressureTest {

  private final AtomicLong waiting = new AtomicLong();
  private final AtomicLong now = new AtomicLong();
  private final AtomicInteger looks = new AtomicInteger();

  @Test
  void sendsCallersAwayWhileTooMuchWaits() {
    Backpressure pressure = pressure(100);
    waiting.set(101);
    pressure.require(); // and looks, for those who come next
    awaitLooks(1);

    await()
        .untilAsserted(
            () ->
                assertThatThrownBy(pressure::require)
                    .isInstanceOf(Problem.class)
                    .hasMessage("not accepted: 101 tasks wait already, and more than 100 may not"));

    waiting.set(100);
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    await().ignoreExceptions().untilAsserted(pressure::require);
  }

  @Test
  void looksOnceASecondHoweverManyCome() {
    Backpressure pressure = pressure(100);
    for (int i = 0; i < 1_000; i++) {
      pressure.require();
    }
    awaitLooks(1);
    now.addAndGet(Duration.ofMillis(999).toNanos());
    pressure.require();
    assertThat(looks).hasValue(1);
  }

  @Test
  void neverLooksWithoutABound() {
    Backpressure pressure = pressure(0);
    waiting.set(Long.MAX_VALUE);

    pressure.require();

    assertThat(looks).hasValue(0);
  }

  private Backpressure pressure(long most) {
    return new Backpressure(
        most,
        () -> {
          looks.incrementAndGet();
          return waiting.get();
        },
        now::get);
  }

  private void awaitLooks(int count) {
    await().atMost(Duration.ofSeconds(10)).until(() -> looks.get() == count);
  }
}
