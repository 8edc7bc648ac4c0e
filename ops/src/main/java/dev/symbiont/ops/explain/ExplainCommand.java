package dev.symbiont.ops.explain;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.dispatcher.DispatcherSettings;
import dev.symbiont.ops.Installation;
import dev.symbiont.ops.Role;
import dev.symbiont.ops.SetupException;
import dev.symbiont.router.policy.Policy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.WebApplicationType;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// How a task would be called: which tier, with which flags, and what its request weighs.
@picocli.CommandLine.Command(
    mixinStandardHelpOptions = true,
    description =
        "Say how a task would be routed, with which flags its calls would run, and how large their requests are. Runs the CLI against a stand-in for the API on loopback: nothing is asked, nothing is paid.")
public final class ExplainCommand implements Callable<Integer> {

  @Parameters(paramLabel = "TASK", description = "The prompt.")
  private String prompt = "";

  @Option(names = "--tier", paramLabel = "TIER", description = "Force a tier.")
  private @Nullable String tier;

  @Option(names = "--system", paramLabel = "TEXT", description = "The task's own system prompt.")
  private @Nullable String system;

  @Option(names = "--schema", paramLabel = "FILE", description = "JSON schema of the answer.")
  private @Nullable Path schema;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Task task = task();
    var installation = Installation.current();
    Path claude =
        installation
            .claude()
            .orElseThrow(
                () -> new SetupException("no Claude CLI on the PATH; set SYMBIONT_CLAUDE to it"));
    try (ConfigurableApplicationContext context =
            Role.start(
                "explain",
                ExplainApplication.class,
                WebApplicationType.NONE,
                installation,
                true,
                List.of());
        var run = new DryRun(context.getBean(DispatcherSettings.class), claude)) {
      explain(task, context.getBean(Tiers.class), context.getBean(Policy.class), run);
      return 0;
    } catch (InvalidFieldException e) {
      throw new SetupException(String.valueOf(e.getMessage()));
    }
  }

  private void explain(Task task, Tiers tiers, Policy policy, DryRun run) throws IOException {
    var accepted = new AcceptedTask(task, Instant.now(), Reply.NONE, false);
    var itself = new DryRun.Question(Purpose.TASK, task.task(), task.system(), task.jsonSchema());
    Optional<Decision> decision = policy.decide(accepted);
    if (decision.isPresent()) {
      Tier chosen = tiers.require(decision.get().tier(), "tier");
      print(
          "%s: %s".formatted(chosen.name(), decision.get().reason()), run.explain(chosen, itself));
      return;
    }
    Classification question = policy.classify(accepted);
    print(
        "First %s is asked which tier can do it".formatted(question.tier()),
        run.explain(
            tiers.cheapest(),
            new DryRun.Question(
                question.purpose(), question.prompt(), question.system(), question.jsonSchema())));
    for (Tier each : tiers.all()) {
      print("then, if that is the answer, " + each.name(), run.explain(each, itself));
    }
  }

  private void print(String title, List<String> lines) {
    PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
    out.println(title);
    lines.forEach(line -> out.println("  " + line));
  }

  private Task task() throws IOException {
    var json = Codec.mapper().createObjectNode().put("task", prompt).put("id", "explained");
    if (tier != null) {
      json.put("force_tier", tier);
    }
    if (system != null) {
      json.put("system", system);
    }
    try {
      if (schema != null) {
        json.set("json_schema", Codec.mapper().readTree(Files.readAllBytes(schema)));
      }
      return Codec.read(Codec.mapper().writeValueAsBytes(json), Task.class);
    } catch (UnreadableMessageException e) {
      throw new SetupException(String.valueOf(e.getMessage()));
    }
  }
}
