package dev.symbiont.ops;

import dev.symbiont.contract.Task;
import dev.symbiont.contract.wire.Codec;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/// How a task is said on the command line.
final class TaskArguments {

  /// Whoever pipes something in begins within this time.
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  @Parameters(
      paramLabel = "PROMPT",
      arity = "0..1",
      description = {
        "The task. What is piped in is appended to it, or is the task if there is no PROMPT.",
        "With a PROMPT, a pipe that has brought nothing within 2 s is left alone, and stderr says so: schedulers and remote shells hand such pipes out. What takes longer is waited for if a line comes first: (echo; slow-program) | ./symbiont task PROMPT."
      })
  private @Nullable String prompt;

  @Mixin private TierAndLabels common = new TierAndLabels();

  @Option(names = "--system", paramLabel = "TEXT", description = "The system prompt.")
  private @Nullable String system;

  @Spec(Spec.Target.MIXEE)
  private @Nullable CommandSpec spec;

  /// The task as the gateway takes it.
  ObjectNode request() throws InterruptedException {
    ObjectNode request = Codec.mapper().createObjectNode().put("task", text());
    if (common.tier() != null) {
      request.put("force_tier", common.tier());
    }
    if (system != null) {
      request.put("system", system);
    }
    if (!common.labels().isEmpty()) {
      request.set("labels", Codec.mapper().valueToTree(common.labels()));
    }
    return request;
  }

  private String text() throws InterruptedException {
    String piped = Terminal.current().in() ? "" : piped();
    if (prompt != null) {
      return piped.isBlank() ? prompt : prompt + "\n\n" + piped;
    }
    if (piped.isBlank()) {
      throw new SetupException("there is no task: say a PROMPT, or pipe the text in");
    }
    return piped;
  }

  private String piped() throws InterruptedException {
    var stdin = new StandardInput(System.in, Task.MAX_BYTES);
    if (prompt == null) {
      return stdin.text();
    }
    Optional<String> text = stdin.textWithin(PATIENCE);
    if (text.isEmpty()) {
      Objects.requireNonNull(spec)
          .commandLine()
          .getErr()
          .println(
              "symbiont: stdin has brought nothing within %d s; the task goes without it"
                  .formatted(PATIENCE.toSeconds()));
    }
    return text.orElse("");
  }
}
