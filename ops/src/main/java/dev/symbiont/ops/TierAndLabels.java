package dev.symbiont.ops;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// What may be said of any task, whether it is one or a file of them.
final class TierAndLabels {

  @Option(
      names = "--tier",
      paramLabel = "TIER",
      description =
          "Use this tier, whatever the router would say; lines of a file may name another.")
  private @Nullable String tier;

  @Option(
      names = "--label",
      paramLabel = "NAME=VALUE",
      description = "To find it by, and to add up what it cost; as many as you like.")
  private Map<String, String> labels = Map.of();

  @Nullable String tier() {
    return tier;
  }

  Map<String, String> labels() {
    return labels;
  }
}
