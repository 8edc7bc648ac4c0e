package dev.symbiont.ops.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jboss.byteman.check.RuleCheck;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A rule that no longer fits the code plants nothing, and says so only in a log.
class DefectsTest {

  static List<Path> defects() throws IOException {
    try (Stream<Path> scripts = Files.list(Path.of("src/main/resources/defects"))) {
      return scripts.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("defects")
  void everyRuleFitsTheCode(Path script) {
    var check = new RuleCheck();
    check.addRuleFile(script.toString());
    check.checkRules();

    assertThat(check.getResult().getErrorMessages()).isEmpty();
    assertThat(check.getResult().getWarningMessages()).isEmpty();
  }
}
