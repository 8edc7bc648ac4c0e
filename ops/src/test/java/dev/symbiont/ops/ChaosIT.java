package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A short run of the chaos suite; `./symbiont chaos` does longer ones.
class ChaosIT {

  @TempDir private Path folder;

  @Test
  void aFleetUnderHarmKeepsItsPromise() throws InterruptedException {
    try (var chaos =
        SymbiontProcess.start(
            folder,
            Map.of("TMPDIR", folder.toString()),
            "chaos",
            "--minutes",
            "0.4",
            "--seed",
            "20")) {
      int exit = chaos.awaitExit(240);

      assertThat(exit).as(chaos.output()).isZero();
      assertThat(chaos.output()).contains("nothing lost, nothing paid twice in silence, no drift");
    }
  }
}
