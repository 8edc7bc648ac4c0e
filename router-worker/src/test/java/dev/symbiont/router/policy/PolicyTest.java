package dev.symbiont.router.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.wire.Codec;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTest {

  private static final BigDecimal COST = new BigDecimal("0.0077");
  private static final Tiers THREE =
      new Tiers(List.of(tier("haiku"), tier("sonnet"), tier("opus")));

  private final Policy policy = new Policy(THREE, "sonnet", List.of(), 800);

  @Test
  void aForcedTierIsTakenWithoutAsking() {
    var decision = policy.decide(accepted(Task.of("x").withForceTier("opus")));

    assertThat(decision)
        .contains(
            new Decision(
                "opus",
                Confidence.HIGH,
                "the caller asked for it",
                DecidedBy.FORCED,
                BigDecimal.ZERO));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt", "", "Haiku", "haiku "})
  void aForcedTierThatDoesNotExistIsRefusedByItsField(String tier) {
    assertThatExceptionOfType(InvalidFieldException.class)
        .isThrownBy(() -> policy.decide(accepted(Task.of("x").withForceTier(tier))))
        .withMessageStartingWith("force_tier: unknown tier '")
        .withMessageEndingWith("(known: haiku, sonnet, opus)")
        .extracting(InvalidFieldException::field)
        .isEqualTo("force_tier");
  }

  @Test
  void aForcedTierCannotBreakTheLineItIsReportedOn() {
    var task = Task.of("x").withForceTier("a\nb\u2028" + "x".repeat(10_000));

    assertThatExceptionOfType(InvalidFieldException.class)
        .isThrownBy(() -> policy.decide(accepted(task)))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(200).hasLineCount(1));
  }

  @Test
  void aForcedTierGoesBeforeTheRules() {
    var ruled = withRules(rule(".", "haiku"));

    assertThat(ruled.decide(accepted(Task.of("x").withForceTier("opus"))))
        .map(Decision::decidedBy)
        .contains(DecidedBy.FORCED);
  }

  @Test
  void theFirstRuleThatMatchesDecides() {
    var ruled =
        withRules(
            rule("(?i)^summari[sz]e", "haiku"), rule("email", "sonnet"), rule("email", "opus"));

    var first = ruled.decide(accepted("Summarise this email"));
    var second = ruled.decide(accepted("Write an email"));

    assertThat(first).map(Decision::tier).contains("haiku");
    assertThat(second)
        .contains(
            new Decision(
                "sonnet", Confidence.HIGH, "rule: email", DecidedBy.RULE, BigDecimal.ZERO));
  }

  @Test
  void aRuleIsLookedForAnywhereInThePrompt() {
    var ruled = withRules(rule("consensus algorithm", "opus"));

    assertThat(ruled.decide(accepted("Please design a new consensus algorithm today")))
        .map(Decision::tier)
        .contains("opus");
  }

  @Test
  void whatNothingDecidesIsLeftToTheClassifier() {
    assertThat(withRules(rule("^never$", "opus")).decide(accepted("anything"))).isEmpty();
  }

  @Test
  void aRuleThatCannotBeEvaluatedDoesNotMatch() {
    var ruled = withRules(rule("(?i)^(.|\\n)*summary", "opus"), rule("^x", "haiku"));

    assertThat(ruled.decide(accepted("x".repeat(50_000)))).map(Decision::tier).contains("haiku");
  }

  @Test
  void aSingleTierNeedsNoClassifier() {
    var only = new Policy(new Tiers(List.of(tier("only"))), "only", List.of(), 800);

    assertThat(only.decide(accepted("x")))
        .contains(
            new Decision(
                "only",
                Confidence.HIGH,
                "it is the only tier",
                DecidedBy.DEFAULT,
                BigDecimal.ZERO));
  }

  @Test
  void anUnknownDefaultTierIsReportedWithItsKey() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new Policy(THREE, "gpt", List.of(), 800))
        .withMessage(
            "symbiont.router.default-tier: unknown tier 'gpt' (known: haiku, sonnet, opus)");
  }

  @Test
  void anUnknownTierOfARuleIsReportedWithItsKey() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> withRules(rule("x", "haiku"), rule("x", "gpt")))
        .withMessage("symbiont.router.rules: unknown tier 'gpt' (known: haiku, sonnet, opus)");
  }

  @ParameterizedTest
  @CsvSource({
    "haiku,high,haiku",
    "haiku,medium,haiku",
    "haiku,low,sonnet",
    "sonnet,low,sonnet",
    "opus,low,opus",
    "opus,medium,opus",
    "opus,high,opus"
  })
  void lowConfidenceNeverGoesBelowTheDefaultTier(
      String answered, String confidence, String expected) {
    var decision = policy.decide(answer(answered, confidence, "because"));

    assertThat(decision.tier()).isEqualTo(expected);
    assertThat(decision.decidedBy()).isEqualTo(DecidedBy.MODEL);
    assertThat(decision.confidence().wire()).isEqualTo(confidence);
    assertThat(decision.costUsd()).isEqualTo(COST);
    assertThat(decision.reason()).endsWith("because");
  }

  @Test
  void aChangedChoiceSaysWhatWasChosen() {
    assertThat(policy.decide(answer("haiku", "low", "looks easy")).reason())
        .isEqualTo("low confidence in haiku: looks easy");
  }

  @Test
  void anUnknownConfidenceCountsAsLow() {
    assertThat(policy.decide(answer("haiku", "certain", "x")).tier()).isEqualTo("sonnet");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"tier\":\"gpt\",\"confidence\":\"high\",\"reason\":\"x\"}",
        "{\"tier\":\"Haiku\",\"confidence\":\"high\",\"reason\":\"x\"}",
        "{\"tier\":1,\"confidence\":\"high\"}",
        "{\"tier\":null}",
        "{\"tier\":[\"haiku\"]}",
        "{}",
        "[]",
        "\"haiku\"",
        "null"
      })
  void anAnswerThatNamesNoTierLeadsToTheDefault(String structured) {
    var answered = new Outcome.Answered("", Codec.mapper().readTree(structured), false);

    assertDefault(policy.decide(ended(answered)), "default tier: the classifier named no tier");
  }

  @Test
  void anAnswerWithoutStructureLeadsToTheDefault() {
    var decision = policy.decide(ended(new Outcome.Answered("haiku", null, false)));

    assertDefault(decision, "default tier: the classifier named no tier");
  }

  static List<Outcome> failures() {
    return List.of(
        new Outcome.Limited(Instant.EPOCH, "stream", "limit"),
        new Outcome.Overloaded("busy"),
        new Outcome.TimedOut("slow"),
        new Outcome.Cancelled("stopped"),
        new Outcome.Refused(Outcome.Refusal.TOO_LARGE, "large"),
        new Outcome.Unauthenticated("login"),
        new Outcome.Crashed(1, "crash"),
        new Outcome.Unreadable("rubbish"),
        new Outcome.Unknown("silent"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aClassificationWithoutAnAnswerLeadsToTheDefault(Outcome failure) {
    assertDefault(policy.decide(ended(failure)), "default tier: classification " + failure.kind());
  }

  @Test
  void aLongReasonIsShortenedAndStaysText() {
    var reason = policy.decide(answer("opus", "high", "x".repeat(299) + "\ud83d\ude80")).reason();

    assertThat(reason).isEqualTo("x".repeat(299));
  }

  @Test
  void aMissingReasonIsEmpty() {
    var answered =
        new Outcome.Answered(
            "", Codec.mapper().readTree("{\"tier\":\"opus\",\"confidence\":\"high\"}"), false);

    assertThat(policy.decide(ended(answered)).reason()).isEmpty();
  }

  /// Whatever a model answers, a task has somewhere to go.
  @Test
  void aDecisionAlwaysNamesAConfiguredTier() {
    long seed = Long.getLong("symbiont.test.seed", 20260319L);
    var random = new Random(seed);
    var words = List.of("haiku", "sonnet", "opus", "gpt", "", "HAIKU", "low", "high", "\ud83d");
    for (int i = 0; i < 5_000; i++) {
      var structured = Codec.mapper().createObjectNode();
      for (String field : List.of("tier", "confidence", "reason", "other")) {
        switch (random.nextInt(5)) {
          case 0 -> structured.put(field, random.nextInt());
          case 1 -> structured.putNull(field);
          case 2 -> structured.putArray(field).add(words.get(random.nextInt(words.size())));
          default -> structured.put(field, words.get(random.nextInt(words.size())));
        }
      }
      Outcome outcome =
          random.nextInt(10) == 0
              ? failures().get(random.nextInt(failures().size()))
              : new Outcome.Answered("", structured, random.nextBoolean());

      var decision = policy.decide(ended(outcome));

      assertThat(THREE.names())
          .as("answer %s, number %d of seed %d", structured, i, seed)
          .contains(decision.tier());
      assertThat(decision.costUsd()).isEqualTo(COST);
      assertThat(Codec.encode(Task.of("x" + decision.tier()))).isNotEmpty();
    }
  }

  private static void assertDefault(Decision decision, String reason) {
    assertThat(decision)
        .isEqualTo(new Decision("sonnet", Confidence.LOW, reason, DecidedBy.DEFAULT, COST));
  }

  private static Policy withRules(Rule... rules) {
    return new Policy(THREE, "sonnet", List.of(rules), 800);
  }

  private static Rule rule(String pattern, String tier) {
    return new Rule(Pattern.compile(pattern), tier);
  }

  private static AcceptedTask accepted(String prompt) {
    return accepted(Task.of(prompt));
  }

  private static AcceptedTask accepted(Task task) {
    return new AcceptedTask(task.withId("t"), Instant.EPOCH, Reply.NONE, false);
  }

  private static CallEnded answer(String tier, String confidence, @Nullable String reason) {
    var structured = Codec.mapper().createObjectNode().put("tier", tier);
    structured.put("confidence", confidence).put("reason", reason);
    return ended(new Outcome.Answered("", structured, false));
  }

  private static CallEnded ended(Outcome outcome) {
    return new CallEnded(
        "t/call.1",
        "t",
        Purpose.CLASSIFICATION,
        "haiku",
        "haiku",
        1,
        "dispatcher-1",
        Instant.EPOCH,
        BigDecimal.ONE,
        outcome,
        new Usage(1, 1, 0, 0, COST, CostBasis.CLI, null),
        false,
        "",
        null,
        accepted("x"));
  }

  private static Tier tier(String name) {
    return new Tier(
        name,
        "claude",
        name,
        "for " + name + " things",
        new Tier.Rate(1, Duration.ofSeconds(10)),
        1,
        Duration.ofMinutes(1),
        Tier.Prices.FREE,
        BigDecimal.ZERO,
        List.of(),
        false,
        Tier.SlowDown.DEFAULT,
        Tier.OnUnknown.RETRY,
        Isolation.CONVERSATION,
        List.of());
  }
}
