package dev.symbiont.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.symbiont.contract.Tier.Prices;
import dev.symbiont.contract.Tier.Rate;
import dev.symbiont.contract.Tier.SlowDown;
import dev.symbiont.contract.wire.Codec;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TiersTest {

  private static final Task ANY = Task.of("x");

  private static final Tiers THREE =
      new Tiers(
          List.of(tier("haiku", "sonnet", "opus"), tier("sonnet", "opus"), tier("opus", "haiku")));

  @Test
  void theFirstTierIsTheCheapest() {
    assertThat(THREE.cheapest().name()).isEqualTo("haiku");
    assertThat(THREE.names()).containsExactly("haiku", "sonnet", "opus");
  }

  @Test
  void aTierIsFoundByItsExactName() {
    assertThat(THREE.find("opus")).isPresent();
    assertThat(THREE.find("Opus")).isEmpty();
    assertThat(THREE.find("")).isEmpty();
  }

  @Test
  void anUnknownTierIsReportedWithTheSettingAndTheKnownOnes() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> THREE.require("gpt", "symbiont.router.default-tier"))
        .withMessage(
            "symbiont.router.default-tier: unknown tier 'gpt' (known: haiku, sonnet, opus)");
  }

  @Test
  void theAlternativesToATierAreItsFallbacksInTheirOrder() {
    assertThat(THREE.alternativesTo("haiku", ANY)).containsExactly("sonnet", "opus");
    assertThat(THREE.alternativesTo("sonnet", ANY)).containsExactly("opus");
    assertThat(THREE.alternativesTo("opus", ANY)).containsExactly("haiku");
    assertThat(THREE.alternativesTo("gone", ANY)).isEmpty();
  }

  @Test
  void aTierIsNoAlternativeToItself() {
    var circle = new Tiers(List.of(tier("a", "a", "b"), tier("b", "a", "a")));

    assertThat(circle.alternativesTo("a", ANY)).containsExactly("b");
    assertThat(circle.alternativesTo("b", ANY)).containsExactly("a");
  }

  @Test
  void aTaskThatMayNotFallBackHasNoAlternatives() {
    assertThat(THREE.alternativesTo("haiku", task(false, null))).isEmpty();
    assertThat(THREE.alternativesTo("opus", task(false, true))).isEmpty();
  }

  @Test
  void whereADowngradeIsAllowedTheCheaperTiersComeLastAndTheDearestOfThemFirst() {
    var four = new Tiers(List.of(tier("a"), tier("b"), tier("c"), downgrading("d", "a")));

    assertThat(four.alternativesTo("d", ANY)).containsExactly("a", "c", "b");
    assertThat(four.alternativesTo("c", ANY)).isEmpty();
  }

  @Test
  void aTaskGoesBeforeItsTierWhereADowngradeIsConcerned() {
    var two = new Tiers(List.of(tier("a"), tier("b"), downgrading("c")));

    assertThat(two.alternativesTo("b", task(null, true))).containsExactly("a");
    assertThat(two.alternativesTo("c", task(null, false))).isEmpty();
  }

  @Test
  void cheaperTiersAreThoseBeforeItDearestFirst() {
    assertThat(THREE.cheaperThan("opus")).containsExactly("sonnet", "haiku");
    assertThat(THREE.cheaperThan("sonnet")).containsExactly("haiku");
    assertThat(THREE.cheaperThan("haiku")).isEmpty();
    assertThat(THREE.cheaperThan("gone")).isEmpty();
  }

  @Test
  void aTierThatIsThereTwiceIsRefused() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new Tiers(List.of(tier("a"), tier("a"))))
        .withMessage("symbiont.tiers: a is there twice");
  }

  @Test
  void aFallbackToAnUnknownTierIsRefused() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new Tiers(List.of(tier("a", "b"))))
        .withMessage("symbiont.tiers[a]: fallback names the unknown tier 'b' (known: a)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "Haiku", "a.b", "a b", "-a", "a*", "#", "1234567890123456789012345678901x"})
  void aNameThatCouldNotBePartOfAKeyIsRefused(String name) {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> tier(name))
        .withMessageContaining("symbiont.tiers[name]");
  }

  @Test
  void aRateNeedsCallsAndTime() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new Rate(0, Duration.ofMinutes(1)));
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new Rate(1, Duration.ZERO));
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT-1M", "PT1S", "PT9.999S"})
  void aPeriodOfLessThanTenSecondsIsRefused(Duration period) {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new Rate(1, period))
        .withMessage("symbiont.tiers[rate]: period must be 10s or longer");
    assertThat(new Rate(1, Duration.ofSeconds(10)).calls()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-0.1", "1.01", "90"})
  void whatIsNoShareSlowsNothingDown(BigDecimal number) {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new SlowDown(number, BigDecimal.ONE))
        .withMessage("symbiont.tiers[slow-down]: at and factor must be between 0 and 1");
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new SlowDown(BigDecimal.ONE, number));
  }

  @Test
  void whatATierLeavesOutIsSetToSomethingSafe() {
    Tier bare = Codec.mapper().readValue("{\"name\": \"a\"}", Tier.class);

    assertThat(bare.slowDown()).isEqualTo(SlowDown.DEFAULT);
    assertThat(bare.allowDowngrade()).isFalse();
    assertThat(bare.rate()).isEqualTo(new Rate(600, Duration.ofMinutes(1)));
  }

  @Test
  void pricesAreExactToTheLastTokensFraction() {
    var prices = prices("3", "15", "3.75", "0.30");

    assertThat(prices.cost(3, 139, 512, 18_432)).isEqualByComparingTo("0.0095436");
    assertThat(prices.cost(0, 0, 0, 1)).isEqualByComparingTo("0.0000003");
    assertThat(prices.cost(0, 0, 0, 0)).isZero();
  }

  @Test
  void aPriceThatNoDoubleCanHoldIsKept() {
    var prices = prices("0.1", "0", "0", "0");

    assertThat(prices.cost(3, 0, 0, 0)).isEqualByComparingTo("0.0000003");
    assertThat(prices.cost(9_007_199_254_740_993L, 0, 0, 0))
        .isEqualByComparingTo("900719925.4740993");
  }

  @Test
  void theCostOfManyCallsIsTheSumOfTheirCosts() {
    var prices = prices("0.123456789", "7.77", "1.25", "0.1");
    var random = new Random(7);
    var sum = BigDecimal.ZERO;
    var tokens = new long[4];
    for (int call = 0; call < 1_000; call++) {
      var used = random.longs(4, 0, 1_000_000).toArray();
      sum = sum.add(prices.cost(used[0], used[1], used[2], used[3]));
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] += used[i];
      }
    }

    assertThat(sum).isEqualByComparingTo(prices.cost(tokens[0], tokens[1], tokens[2], tokens[3]));
  }

  private static Prices prices(String in, String out, String written, String read) {
    return new Prices(
        new BigDecimal(in), new BigDecimal(out), new BigDecimal(written), new BigDecimal(read));
  }

  private static Task task(@Nullable Boolean allowFallback, @Nullable Boolean allowDowngrade) {
    return new Task(
        null,
        "x",
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
        null);
  }

  private static Tier tier(String name, String... fallback) {
    return tier(name, false, fallback);
  }

  private static Tier downgrading(String name, String... fallback) {
    return tier(name, true, fallback);
  }

  private static Tier tier(String name, boolean allowDowngrade, String... fallback) {
    return new Tier(
        name,
        "claude",
        name,
        "",
        new Rate(1, Duration.ofSeconds(10)),
        1,
        Duration.ofMinutes(1),
        Prices.FREE,
        BigDecimal.ZERO,
        List.of(fallback),
        allowDowngrade,
        SlowDown.DEFAULT,
        Tier.OnUnknown.RETRY,
        Isolation.CONVERSATION,
        List.of());
  }
}
