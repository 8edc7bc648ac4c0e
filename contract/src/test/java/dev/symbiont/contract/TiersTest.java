package dev.symbiont.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.symbiont.contract.Tier.Prices;
import dev.symbiont.contract.Tier.Rate;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TiersTest {

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
  void aTaskFallsBackToTheFirstTierThatWasNotTried() {
    assertThat(THREE.fallbackOf("haiku", List.of()).map(Tier::name)).contains("sonnet");
    assertThat(THREE.fallbackOf("haiku", List.of("sonnet")).map(Tier::name)).contains("opus");
    assertThat(THREE.fallbackOf("haiku", List.of("sonnet", "opus"))).isEmpty();
    assertThat(THREE.fallbackOf("gone", List.of())).isEmpty();
  }

  @Test
  void aCircleOfFallbacksEnds() {
    var circle = new Tiers(List.of(tier("a", "a", "b"), tier("b", "a")));

    assertThat(circle.fallbackOf("a", List.of()).map(Tier::name)).contains("b");
    assertThat(circle.fallbackOf("b", List.of("a"))).isEmpty();
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

  private static Tier tier(String name, String... fallback) {
    return new Tier(
        name,
        "claude",
        name,
        "",
        new Rate(1, Duration.ofSeconds(1)),
        1,
        Duration.ofMinutes(1),
        Prices.FREE,
        BigDecimal.ZERO,
        List.of(fallback),
        Tier.OnUnknown.RETRY,
        List.of());
  }
}
