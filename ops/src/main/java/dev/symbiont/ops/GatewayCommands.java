package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/// Commands that put one question to the running gateway and print its answer, which is JSON.
final class GatewayCommands {

  private GatewayCommands() {}

  @Command(mixinStandardHelpOptions = true, description = "Queue one task and return at once.")
  static final class Queue extends Question {

    @Mixin private TaskArguments task = new TaskArguments();

    @Option(names = "--priority", defaultValue = "normal", description = "low, normal or high")
    private String priority = "";

    @Override
    Gateway.Answer ask(Gateway gateway) throws InterruptedException {
      return gateway.post("/queue", task.request().put("priority", priority));
    }
  }

  @Command(mixinStandardHelpOptions = true, description = "Keep a task from being called.")
  static final class Cancel extends Question {

    @Parameters(paramLabel = "ID")
    private String id = "";

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.delete(Query.task(id));
    }
  }

  @Command(
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

  @Command(mixinStandardHelpOptions = true, description = "Take a health snapshot now.")
  static final class Heartbeat extends Question {

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.post("/heartbeat", Codec.mapper().createObjectNode());
    }
  }
}
