package dev.symbiont.ops.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The wire samples that the kit publishes.
class SamplesTest {

  private static final Path SAMPLES = Path.of("src/main/resources/conformance");

  @Test
  void everySampleIsUsedByARuleAndEveryRuleHasItsSamples() throws IOException {
    try (Stream<Path> files = Files.list(SAMPLES)) {
      var there = files.map(it -> it.getFileName().toString().replace(".json", "")).toList();
      var used = Rule.all().stream().flatMap(it -> it.samples().stream()).distinct().toList();

      assertThat(used).containsExactlyInAnyOrderElementsOf(there);
    }
  }

  @Test
  void everyRuleHasAnIdOfItsOwn() {
    assertThat(Rule.all()).extracting(Rule::id).doesNotHaveDuplicates();
    assertThat(Rule.all()).extracting(Rule::id).allMatch(it -> it.matches("[a-z]+\\.[a-z0-9]+"));
  }
}
