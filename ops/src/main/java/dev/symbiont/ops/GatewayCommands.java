package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Commands that put one question to the running gateway and print its answer, which is JSON.
final class GatewayCommands {

  private GatewayCommands() {}

  abstract static class Question implements Callable<Integer> {

    @Spec private @Nullable CommandSpec spec;

    abstract Gateway.Answer ask(Gateway gateway);

    @Override
    public Integer call() {
      Gateway.Answer answer = ask(Gateway.of(Installation.current()));
      var line = Objects.requireNonNull(spec).commandLine();
      if (answer.isError()) {
        line.getErr()
            .println("symbiont: " + answer.body().path("detail").asString("" + answer.body()));
        return Symbiont.FAILED;
      }
      line.getOut().println(answer.body().toPrettyString());
      return isFine(answer.body()) ? 0 : Symbiont.FAILED;
    }

    /// Whether the answer is good news.
    boolean isFine(JsonNode answer) {
      return true;
    }
  }

  @Command(
      name = "queue",
      mixinStandardHelpOptions = true,
      description = "Queue one task and return at once.")
  static final class Queue extends Question {

    @Parameters(paramLabel = "PROMPT")
    private String prompt = "";

    @Option(names = "--priority", defaultValue = "normal", description = "low, normal or high")
    private String priority = "";

    @Option(names = "--tier", paramLabel = "TIER")
    private @Nullable String tier;

    @Override
    Gateway.Answer ask(Gateway gateway) {
      var body = Codec.mapper().createObjectNode().put("task", prompt).put("priority", priority);
      return gateway.post("/queue", tier == null ? body : body.put("force_tier", tier));
    }
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Show a task: state, decision, calls, result.")
  static final class Show extends Question {

    @Parameters(paramLabel = "ID")
    private String id = "";

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.get("/tasks/" + id);
    }
  }

  @Command(
      name = "cancel",
      mixinStandardHelpOptions = true,
      description = "Keep a task from being called.")
  static final class Cancel extends Question {

    @Parameters(paramLabel = "ID")
    private String id = "";

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.delete("/tasks/" + id);
    }
  }

  @Command(
      name = "status",
      mixinStandardHelpOptions = true,
      description = "Is it running, what is queued, what was used today.")
  static final class Status extends Question {

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.get("/status");
    }
  }

  @Command(
      name = "stats",
      mixinStandardHelpOptions = true,
      description = "Calls and cost by model and by day.")
  static final class Stats extends Question {

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.get("/ledger/stats");
    }
  }

  @Command(
      name = "reconcile",
      mixinStandardHelpOptions = true,
      description =
          "Hold tasks, calls, money and queues against each other. Exit code 1 if something does not fit.")
  static final class Reconcile extends Question {

    @Option(
        names = "--redrive",
        description = "Publish again what no queue holds. Safe: a second copy gets no grant.")
    private boolean redrive;

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return redrive
          ? gateway.post("/reconcile", Codec.mapper().createObjectNode())
          : gateway.get("/reconcile");
    }

    @Override
    boolean isFine(JsonNode answer) {
      return answer.path("ends_without_beginnings").isEmpty()
          && answer.path("answered_twice").isEmpty()
          && (redrive || answer.path("stranded").isEmpty())
          && answer
                  .path("ledger_cost_usd")
                  .decimalValue()
                  .compareTo(answer.path("index_cost_usd").decimalValue())
              == 0;
    }
  }

  @Command(
      name = "heartbeat",
      mixinStandardHelpOptions = true,
      description = "Take a health snapshot now.")
  static final class Heartbeat extends Question {

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.post("/heartbeat", Codec.mapper().createObjectNode());
    }
  }
}
