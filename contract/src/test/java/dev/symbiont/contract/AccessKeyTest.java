package dev.symbiont.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AccessKeyTest {

  private static final Instant NOON = Instant.parse("2026-03-19T12:00:00Z");
  private static final Duration GRACE = Duration.ofHours(1);

  private final Random random = new Random(7);
  private final KeyText text = KeyText.draw(random);
  private final AccessKey key = key(text, null);

  @Test
  void aTextIsReadBackAndSaysNothingInLogs() {
    KeyText read = KeyText.parse(text.reveal()).orElseThrow();

    assertThat(read.id()).isEqualTo(text.id());
    assertThat(read.sha256()).isEqualTo(text.sha256()).hasSize(64);
    assertThat(text.reveal()).startsWith("sym_" + text.id() + "_").hasSize(53);
    assertThat(text.toString()).doesNotContain(text.reveal().substring(15));
  }

  @Test
  void anyOtherLetterBreaksTheChecksum() {
    String good = text.reveal();
    for (int i = 0; i < good.length(); i++) {
      char other = good.charAt(i) == 'x' ? 'y' : 'x';
      assertThat(KeyText.parse(good.substring(0, i) + other + good.substring(i + 1)))
          .as("letter %d", i)
          .isEmpty();
    }
    assertThat(KeyText.parse("")).isEmpty();
    assertThat(KeyText.parse(good + "\n")).isEmpty();
  }

  @Test
  void onlyItsOwnTextOpens() {
    assertThat(key.opens(text, NOON)).isTrue();
    assertThat(key.opens(KeyText.draw(text.id(), random), NOON)).isFalse();
    assertThat(key.opens(KeyText.draw(random), NOON)).isFalse();
  }

  @Test
  void opensUntilItExpiresOrIsRevoked() {
    AccessKey expiring = key(text, NOON);

    assertThat(expiring.opens(text, NOON.minusMillis(1))).isTrue();
    assertThat(expiring.opens(text, NOON)).isFalse();
    assertThat(key.revoked(NOON).opens(text, NOON.minusSeconds(1))).isFalse();
  }

  @Test
  void rotationKeepsTheOldTextForTheGraceAlone() {
    KeyText next = KeyText.draw(text.id(), random);
    AccessKey rotated = key.rotated(next, NOON.plus(GRACE));

    assertThat(rotated.opens(text, NOON.plus(GRACE).minusMillis(1))).isTrue();
    assertThat(rotated.opens(text, NOON.plus(GRACE))).isFalse();
    assertThat(rotated.opens(next, NOON.plus(GRACE))).isTrue();
    // A longer grace later does not bring an older text back.
    AccessKey again =
        rotated.rotated(KeyText.draw(text.id(), random), NOON.plus(GRACE.multipliedBy(9)));
    assertThat(again.opens(text, NOON.plus(GRACE))).isFalse();
    assertThat(again.opens(next, NOON.plus(GRACE.multipliedBy(8)))).isTrue();
  }

  @Test
  void theFleetsOwnLabelsAreNobodysToGive() {
    assertThatThrownBy(
            () ->
                new AccessKey(
                    "aaaaaaaaaa",
                    "x",
                    EnumSet.of(Scope.SUBMIT),
                    Map.of(AccessKey.LABEL, "bbbbbbbbbb"),
                    null,
                    WhenSpent.WAIT,
                    List.of(),
                    NOON,
                    null,
                    null,
                    1))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("the fleet's own");
    assertThatThrownBy(
            () -> Task.of("x").withLabels(Map.of("symbiont.x", "y")).requireNoReservedLabels())
        .isInstanceOf(InvalidFieldException.class);
  }

  private static AccessKey key(KeyText text, @Nullable Instant expiresAt) {
    return new AccessKey(
        text.id(),
        "red team",
        EnumSet.of(Scope.SUBMIT),
        Map.of(),
        null,
        WhenSpent.WAIT,
        List.of(new AccessKey.Secret(text.sha256(), null)),
        NOON.minus(GRACE),
        expiresAt,
        null,
        1);
  }
}
