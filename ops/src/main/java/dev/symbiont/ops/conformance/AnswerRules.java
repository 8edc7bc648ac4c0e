package dev.symbiont.ops.conformance;

import static dev.symbiont.ops.conformance.Trial.expect;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// What a producer finds in its queue.
final class AnswerRules {

  static final String RESULT = "symbiont.result.v1";

  /// The fields of a success that callers knew before there were any others; the prompt is left out
  /// in messages.
  private static final List<String> NAMES =
      List.of(
          "id",
          "model",
          "result",
          "elapsed_seconds",
          "input_tokens",
          "output_tokens",
          "estimated_cost_usd",
          "timestamp");

  private static final Pattern AMOUNT = Pattern.compile("(?<!\\\\)\"([a-z_]+_usd)\":([^,}\\]]*)");

  private AnswerRules() {}

  static List<Rule> all() {
    return List.of(
        new Rule(
            "task.minimal",
            "a task that is nothing but a prompt is answered",
            List.of("minimal"),
            trial -> trial.success(trial.minimal())),
        new Rule(
            "reply.once",
            "a task that nothing went wrong with has one result",
            List.of("minimal"),
            AnswerRules::once),
        new Rule(
            "reply.correlation",
            "correlation_id comes back with the result as it was",
            List.of("named"),
            trial -> trial.result(trial.named())),
        new Rule(
            "reply.properties",
            "a result has type, content_type, and the id of its task as message_id",
            List.of("minimal"),
            AnswerRules::properties),
        new Rule(
            "result.schema",
            "a result has every field that its schema requires, of the right type",
            List.of("minimal"),
            AnswerRules::schema),
        new Rule(
            "result.names",
            "a success has the fields " + String.join(", ", NAMES),
            List.of("minimal"),
            AnswerRules::names),
        new Rule(
            "result.cost",
            "amounts are plain decimals, and the total holds the call's own",
            List.of("minimal"),
            AnswerRules::cost));
  }

  private static void once(Trial trial) throws InterruptedException {
    Sent sent = trial.minimal();
    trial.result(sent);
    trial.later(
        () -> {
          int came = trial.results(sent).size();
          expect(came == 1, "one result", came + " results");
        });
  }

  private static void properties(Trial trial) throws InterruptedException {
    Seen result = trial.result(trial.minimal());
    same("type", RESULT, result.properties().getType());
    same("content_type", "application/json", result.properties().getContentType());
    String id = result.json().path("id").asString("");
    same("message_id", id, result.properties().getMessageId());
  }

  private static void schema(Trial trial) throws InterruptedException {
    Seen result = trial.result(trial.minimal());
    List<String> problems = Schemas.problems(RESULT, result.json());
    expect(problems.isEmpty(), "what " + RESULT + " says", String.join("; ", problems));
  }

  private static void names(Trial trial) throws InterruptedException {
    JsonNode result = trial.success(trial.minimal()).json();
    List<String> missing = NAMES.stream().filter(it -> !result.hasNonNull(it)).toList();
    expect(missing.isEmpty(), "all these fields", "none of " + String.join(", ", missing));
  }

  private static void cost(Trial trial) throws InterruptedException {
    Seen result = trial.success(trial.minimal());
    var amounts = AMOUNT.matcher(new String(result.body(), StandardCharsets.UTF_8));
    while (amounts.find()) {
      String amount = amounts.group(2).strip();
      expect(amount.matches("\\d+(\\.\\d+)?"), "a plain decimal as " + amounts.group(1), amount);
    }
    JsonNode call = result.json().path("estimated_cost_usd");
    JsonNode total = result.json().path("total_cost_usd");
    expect(
        call.isNumber()
            && total.isNumber()
            && total.decimalValue().compareTo(call.decimalValue()) >= 0,
        "total_cost_usd of at least estimated_cost_usd",
        "%s and %s".formatted(total, call));
  }

  private static void same(String property, String expected, String came) {
    expect(
        Objects.equals(came, expected),
        "the property %s '%s'".formatted(property, expected),
        "'%s'".formatted(came));
  }
}
