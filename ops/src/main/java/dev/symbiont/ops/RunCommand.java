package dev.symbiont.ops;

import java.io.IOException;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// One task from prompt to answer, whether a fleet is up or not.
@Command(
    mixinStandardHelpOptions = true,
    description =
        "Do one task and print its answer. Uses the fleet that answers, else starts one for the occasion.")
final class RunCommand implements Callable<Integer> {

  /// Of a dollar; the ledger has them all.
  private static final int SHOWN_DECIMALS = 6;

  private static final long LOCK_POLL_MILLIS = 200;

  @Mixin private TaskArguments task = new TaskArguments();

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    ObjectNode request = task.request();
    var installation = Installation.current();
    var gateway = Gateway.of(installation);
    if (gateway.answers()) {
      return print(gateway.post("/task", request));
    }
    try (var fleet = new Fleet(installation)) {
      boolean told = false;
      while (!fleet.tryLock()) {
        if (!told) {
          err()
              .println(
                  "symbiont: another fleet runs from %s and does not answer at %s; waiting for it to end or to answer. If it has another port, set SYMBIONT_PORT to that"
                      .formatted(installation.root(), gateway.address()));
          told = true;
        }
        // Another run has this folder, or a fleet that is about to answer.
        if (gateway.answers()) {
          return print(gateway.post("/task", request));
        }
        TimeUnit.MILLISECONDS.sleep(LOCK_POLL_MILLIS);
      }
      err()
          .println(
              "symbiont: no fleet answers at %s; starting one for this task"
                  .formatted(gateway.address()));
      fleet.start(0, List.of("logging.level.dev.symbiont=warn"));
      return print(new Gateway(fleet.address()).post("/task", request));
    }
  }

  private int print(Gateway.Answer answer) {
    JsonNode body = answer.body();
    if (json) {
      out().println(body.toPrettyString());
    } else if (answer.isError()) {
      err()
          .println(
              "symbiont: task %s: %s"
                  .formatted(
                      body.path("id").asString("not accepted"),
                      body.path("detail").asString(body.toString())));
    } else if (!body.has("result")) {
      out()
          .println(
              "The task goes on; look for it with: ./symbiont show "
                  + body.path("id").asString(""));
    } else {
      printResult(body);
    }
    return answer.isError() ? Symbiont.FAILED : 0;
  }

  private void printResult(JsonNode body) {
    JsonNode decision = body.path("decision");
    out().println(body.path("result").asString(""));
    out().println();
    out()
        .println(
            "tier    %s: %s (decided by %s, %s confidence)"
                .formatted(
                    body.path("tier").asString(""),
                    decision.path("reason").asString(""),
                    decision.path("decided_by").asString(""),
                    decision.path("confidence").asString("")));
    for (JsonNode tried : body.path("tried")) {
      out()
          .println(
              "tried   %s: %s %s"
                  .formatted(
                      tried.path("tier").asString(""),
                      tried.path("outcome").asString(""),
                      tried.path("message").asString("")));
    }
    out()
        .println(
            "model   " + body.path("resolved_model").asString(body.path("model").asString("")));
    out()
        .println(
            "tokens  %d in, %d out"
                .formatted(
                    body.path("input_tokens").asLong(), body.path("output_tokens").asLong()));
    out()
        .println(
            "cost    $%s, and $%s with the routing"
                .formatted(decimal(body, "estimated_cost_usd"), decimal(body, "total_cost_usd")));
    out().println("id      " + body.path("id").asString(""));
    if (body.path("simulated").asBoolean(false)) {
      out().println("SIMULATED: no model was asked; answer, tokens and cost are made up.");
    }
  }

  private static String decimal(JsonNode body, String field) {
    return body.path(field)
        .asDecimal(BigDecimal.ZERO)
        .setScale(SHOWN_DECIMALS, RoundingMode.HALF_UP)
        .toPlainString();
  }

  private PrintWriter out() {
    return Objects.requireNonNull(spec).commandLine().getOut();
  }

  private PrintWriter err() {
    return Objects.requireNonNull(spec).commandLine().getErr();
  }
}
