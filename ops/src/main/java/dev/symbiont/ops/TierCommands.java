package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// What an operator does with tiers.
final class TierCommands {

  private TierCommands() {}

  @Command(
      mixinStandardHelpOptions = true,
      description = "Which tiers take calls; why not, and until when; what they cost today.")
  static final class List implements Callable<Integer> {

    @Option(names = "--json", description = "Print the gateway's answer as it is.")
    private boolean json;

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      JsonNode answer = Gateway.of(Installation.current()).get("/tiers").orFail();
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      if (json) {
        out.println(answer.toPrettyString());
        return 0;
      }
      out.println(
          "%-12s %-16s %8s %8s %8s %14s %12s"
              .formatted("TIER", "STATE", "WAITING", "PARKED", "RUNNING", "RATE", "TODAY $"));
      for (JsonNode tier : answer.path("tiers")) {
        print(out, tier);
      }
      for (JsonNode budget : answer.path("budgets")) {
        out.println(
            "budget %s: $%s of $%s spent today; then %s"
                .formatted(
                    budget.path("scope").asString(),
                    amount(budget.path("spent_today_usd")),
                    amount(budget.path("usd_per_day")),
                    budget.path("when_spent").asString().replace('_', ' ')));
      }
      return 0;
    }

    private static void print(PrintWriter out, JsonNode tier) {
      JsonNode state = tier.path("state");
      out.println(
          "%-12s %-16s %8d %8d %8d %14s %12s"
              .formatted(
                  state.path("tier").asString(),
                  state.path("phase").asString(),
                  tier.path("waiting").asLong(),
                  tier.path("parked").asLong(),
                  tier.path("running").asLong(),
                  "%d of %d"
                      .formatted(
                          tier.path("rate_used").asInt(), tier.path("rate").path("calls").asInt()),
                  amount(tier.path("spent_today_usd"))));
      if (state.has("reason")) {
        String until = state.path("until").asString("it is woken");
        out.println("             until %s: %s".formatted(until, state.path("reason").asString()));
      }
      if (state.has("utilization")) {
        out.println(
            "             %s of the provider's limit is used"
                .formatted(amount(state.path("utilization"))));
      }
    }

    private static String amount(JsonNode number) {
      return number.decimalValue().toPlainString();
    }
  }

  /// Opens or closes one tier.
  abstract static class Setting implements Callable<Integer> {

    @Parameters(paramLabel = "TIER")
    private String tier = "";

    @Spec private @Nullable CommandSpec spec;

    abstract String verb();

    @Override
    public Integer call() {
      JsonNode state =
          Gateway.of(Installation.current())
              .post("/tiers/%s/%s".formatted(tier, verb()), Codec.mapper().createObjectNode())
              .orFail();
      Objects.requireNonNull(spec)
          .commandLine()
          .getOut()
          .println("%s is %s".formatted(tier, state.path("phase").asString()));
      return 0;
    }
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Try a closed tier again now, and end a pause.")
  static final class Wake extends Setting {
    @Override
    String verb() {
      return "wake";
    }
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "No calls to a tier until it is woken. Calls under way go on.")
  static final class Pause extends Setting {
    @Override
    String verb() {
      return "pause";
    }
  }
}
