package dev.symbiont.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class PreferenceTest {

  private static final Duration MOST = Duration.ofMinutes(10);

  @Test
  void whoSaysNothingGetsWhatIsUsual() {
    assertThat(Preference.of(null).within(MOST, Duration.ofSeconds(7))).hasSeconds(7);
    assertThat(Preference.of(List.of("handling=lenient", "wait=soon")).applied()).isEmpty();
  }

  @Test
  void aWaitIsKeptWithinWhatTheGatewayAllows() {
    assertThat(wait("wait=5")).hasSeconds(5);
    assertThat(wait("Wait = \"5\"")).hasSeconds(5);
    assertThat(wait("handling=lenient, wait=5")).hasSeconds(5);
    assertThat(wait("wait=999999")).isEqualTo(MOST);
  }

  @Test
  void whoWantsNoAnswerNowIsNotKept() {
    assertThat(wait("respond-async")).isZero();
    assertThat(Preference.of(List.of("respond-async")).applied()).isEqualTo("respond-async");
  }

  @Test
  void bothTogetherMeanToWaitForThatLong() {
    assertThat(wait("respond-async, wait=5")).hasSeconds(5);
  }

  private static Duration wait(String header) {
    return Preference.of(List.of(header)).within(MOST, MOST);
  }
}
