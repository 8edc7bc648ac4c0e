package dev.symbiont.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.symbiont.router.RouterSettings.RuleSetting;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.io.ClassPathResource;

class RouterSettingsTest {

  @Test
  void theseAreTheDefaults() {
    assertThat(bound(Map.of())).isEqualTo(new RouterSettings("sonnet", List.of(), 800));
  }

  @Test
  void theseAreTheKeys() {
    var settings =
        bound(
            Map.of(
                "symbiont.router.default-tier", "opus",
                "symbiont.router.excerpt-length", "1200",
                "symbiont.router.rules[0].pattern", "^a",
                "symbiont.router.rules[0].tier", "haiku",
                "symbiont.router.rules[1].pattern", "^b",
                "symbiont.router.rules[1].tier", "opus"));

    assertThat(settings)
        .isEqualTo(
            new RouterSettings(
                "opus",
                List.of(new RuleSetting("^a", "haiku"), new RuleSetting("^b", "opus")),
                1200));
  }

  @Test
  void theShippedFileSaysTheDefaultsAgain() throws Exception {
    var file =
        new YamlPropertySourceLoader()
            .load("symbiont.yml", new ClassPathResource("symbiont.yml"))
            .getFirst();
    var sources = new MutablePropertySources();
    sources.addLast(file);

    var shipped =
        new Binder(ConfigurationPropertySources.from(sources))
            .bindOrCreate("symbiont.router", RouterSettings.class);

    assertThat(shipped).isEqualTo(bound(Map.of()));
  }

  @Test
  void rulesAreCompiledInOrder() {
    var settings =
        new RouterSettings(
            "sonnet", List.of(new RuleSetting("^a", "haiku"), new RuleSetting("b$", "opus")), 800);

    assertThat(settings.compiledRules())
        .extracting(rule -> rule.pattern().pattern() + " to " + rule.tier())
        .containsExactly("^a to haiku", "b$ to opus");
  }

  @Test
  void aPatternThatIsNoRegularExpressionIsReportedWithItsKey() {
    var settings = new RouterSettings("sonnet", List.of(new RuleSetting("(", "haiku")), 800);

    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(settings::compiledRules)
        .withMessage("symbiont.router.rules: '(' is not a regular expression: Unclosed group");
  }

  @Test
  void anIncompleteRuleIsReportedWithItsKey() {
    assertThatThrownBy(() -> bound(Map.of("symbiont.router.rules[0].tier", "haiku")))
        .rootCause()
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("symbiont.router.rules");
  }

  @Test
  void anExcerptNeedsALength() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> new RouterSettings("sonnet", List.of(), -1))
        .withMessageStartingWith("symbiont.router.excerpt-length");
  }

  private static RouterSettings bound(Map<String, Object> properties) {
    var sources = new MutablePropertySources();
    sources.addLast(new MapPropertySource("test", properties));
    return new Binder(ConfigurationPropertySources.from(sources))
        .bindOrCreate("symbiont.router", RouterSettings.class);
  }
}
