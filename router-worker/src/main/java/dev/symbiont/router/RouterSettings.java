package dev.symbiont.router;

import dev.symbiont.contract.Tiers;
import dev.symbiont.router.policy.Policy;
import dev.symbiont.router.policy.Rule;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What the router is told.
///
/// @param defaultTier gets a task when nothing else decides
/// @param rules tried in order before any model is asked
/// @param excerptLength how many characters of a prompt the classifier sees
@ConfigurationProperties("symbiont.router")
public record RouterSettings(
    @DefaultValue("sonnet") String defaultTier,
    @DefaultValue List<RuleSetting> rules,
    @DefaultValue("800") int excerptLength) {

  /// A rule as it is written.
  ///
  /// @param pattern a regular expression that is looked for in the prompt
  public record RuleSetting(String pattern, String tier) {

    @SuppressWarnings("ConstantValue") // settings may leave out anything
    public RuleSetting {
      if (pattern == null || tier == null) {
        throw new IllegalArgumentException(
            "symbiont.router.rules: a rule needs a pattern and a tier, and this one has %s and %s"
                .formatted(pattern, tier));
      }
    }
  }

  public RouterSettings {
    if (excerptLength < 1) {
      throw new IllegalArgumentException("symbiont.router.excerpt-length: must be positive");
    }
  }

  /// How tasks are routed with these settings.
  public Policy policy(Tiers tiers) {
    return new Policy(tiers, defaultTier, compiledRules(), excerptLength);
  }

  List<Rule> compiledRules() {
    return rules.stream().map(RouterSettings::compiled).toList();
  }

  private static Rule compiled(RuleSetting rule) {
    try {
      return new Rule(Pattern.compile(rule.pattern()), rule.tier());
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "symbiont.router.rules: '%s' is not a regular expression: %s"
              .formatted(rule.pattern(), e.getDescription()),
          e);
    }
  }
}
