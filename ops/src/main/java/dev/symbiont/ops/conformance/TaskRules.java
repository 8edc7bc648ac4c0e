package dev.symbiont.ops.conformance;

import static dev.symbiont.ops.conformance.Trial.expect;

import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.wire.Codec;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// What a producer may ask for, and how it names a task.
final class TaskRules {

  private static final String ROUTED = "task\\.routed\\.[^.]+\\.";

  private TaskRules() {}

  static List<Rule> all() {
    return List.of(
        new Rule(
            "id.body",
            "the id that the body gives is the id of the task",
            List.of("named"),
            trial -> {
              Sent sent = trial.named();
              expect(trial.result(sent), "id", sent.id());
            }),
        new Rule(
            "id.again",
            "an id that comes again after the end gets the same result, without another call",
            List.of("named"),
            TaskRules::again),
        new Rule(
            "id.meanwhile",
            "an id that comes twice at once is called once",
            List.of("forced"),
            TaskRules::meanwhile),
        new Rule(
            "id.message",
            "message_id names the task where the body has no id",
            List.of("keyed"),
            TaskRules::messageId),
        new Rule(
            "tier.forced",
            "force_tier is obeyed, and the decision says so",
            List.of("named"),
            TaskRules::forced),
        new Rule(
            "priority.each",
            "low, normal and high are accepted and kept",
            List.of("priority"),
            TaskRules::priorities),
        new Rule(
            "key.unknown",
            "an unknown routing key means normal and loses nothing",
            List.of("forced"),
            trial -> {
              Sent sent = trial.publish(trial.sample("forced"), "no-such-key", it -> it);
              trial.success(sent);
              trial.event(sent, ROUTED + "normal");
            }),
        new Rule(
            "type.named",
            "a task may name its schema",
            List.of("forced"),
            trial ->
                trial.success(
                    trial.publish(
                        trial.sample("forced"), "normal", it -> it.type("symbiont.task.v1")))),
        new Rule(
            "fields.unknown",
            "fields that nobody knows are ignored",
            List.of("unknown-fields"),
            trial -> trial.success(trial.publish("unknown-fields"))),
        new Rule(
            "size.largest",
            "a body of %d bytes is accepted".formatted(Task.MAX_BYTES),
            List.of("padded"),
            trial -> trial.success(trial.publish(padded(trial, Task.MAX_BYTES)))),
        new Rule(
            "deadline.passed",
            "a task whose deadline has passed expires without a call",
            List.of("expired"),
            TaskRules::expired),
        new Rule(
            "schema.answer",
            "an answer obeys the task's json_schema",
            List.of("structured"),
            TaskRules::structured),
        new Rule(
            "labels.kept",
            "events show the labels as they were given",
            List.of("named"),
            TaskRules::labels));
  }

  /// A task of so many bytes, most of which are nothing to a model.
  static byte[] padded(Trial trial, int bytes) {
    int room = bytes - trial.sample("padded", Map.of("@PADDING@", "")).length;
    return trial.sample("padded", Map.of("@PADDING@", "x".repeat(room)));
  }

  private static void again(Trial trial) throws InterruptedException {
    Sent first = trial.named();
    Seen result = trial.success(first);
    Seen repeated = trial.success(trial.publish("named"));
    expectSame(result, repeated);
    isAnsweredOnce(trial, first);
  }

  private static void meanwhile(Trial trial) throws InterruptedException {
    Sent first = trial.publish("forced");
    Sent second = trial.publish("forced");
    Seen result =
        trial.await(
            "a result for one of them at least",
            () -> Stream.of(first, second).flatMap(it -> trial.results(it).stream()).findFirst());
    expect(result, "status", "succeeded");
    isAnsweredOnce(trial, first);
    trial.later(
        () ->
            Stream.of(first, second)
                .flatMap(it -> trial.results(it).stream())
                .forEach(it -> expectSame(result, it)));
  }

  private static void messageId(Trial trial) throws InterruptedException {
    String key = "conformance-%s-key".formatted(trial.run());
    Sent first = trial.publish(trial.sample("keyed"), "normal", it -> it.messageId(key));
    Seen result = trial.success(first);
    Sent second = trial.publish(trial.sample("keyed"), "normal", it -> it.messageId(key));
    expectSame(result, trial.success(second));
    isAnsweredOnce(trial, first);
  }

  private static void forced(Trial trial) throws InterruptedException {
    Seen result = trial.result(trial.named());
    expect(result, "decision.tier", trial.tier());
    expect(result, "decision.decided_by", "forced");
  }

  private static void priorities(Trial trial) throws InterruptedException {
    var sent = new EnumMap<Priority, Sent>(Priority.class);
    for (Priority each : Priority.values()) {
      byte[] body = trial.sample("priority", Map.of("@PRIORITY@", each.wire()));
      sent.put(each, trial.publish(body, each.wire(), it -> it));
    }
    for (Map.Entry<Priority, Sent> each : sent.entrySet()) {
      trial.success(each.getValue());
      trial.event(each.getValue(), ROUTED + each.getKey().wire());
    }
  }

  private static void expired(Trial trial) throws InterruptedException {
    Sent sent = trial.publish("expired");
    Seen result = trial.result(sent);
    expect(result, "status", "expired");
    expect(result.json().hasNonNull("error"), "an error that says why", "none");
    expect(!result.json().has("result"), "no answer", "one");
    JsonNode total = result.json().path("total_cost_usd");
    expect(
        total.isNumber() && total.decimalValue().signum() == 0,
        "total_cost_usd 0",
        total.toString());
    trial.event(sent, "task\\.expired");
    trial.later(
        () -> {
          List<String> calls = calls(trial, sent).map(it -> it.path("call_id").asString()).toList();
          expect(calls.isEmpty(), "no call", calls.toString());
        });
  }

  private static void structured(Trial trial) throws InterruptedException {
    byte[] body = trial.sample("structured");
    Seen result = trial.success(trial.publish(body));
    List<String> problems =
        Schemas.problems(
            Codec.mapper().readTree(body).path("json_schema"),
            result.json().path("structured_output"));
    expect(problems.isEmpty(), "structured_output by the schema", String.join("; ", problems));
  }

  private static void labels(Trial trial) throws InterruptedException {
    Sent sent = trial.named();
    JsonNode given = Codec.mapper().readTree(sent.body()).path("labels");
    JsonNode shown = trial.event(sent, ROUTED + ".+").json().at("/accepted/task/labels");
    expect(shown.equals(given), "the labels " + given, shown.toString());
  }

  private static void expectSame(Seen result, Seen other) {
    for (String field : List.of("id", "status", "timestamp", "result", "total_cost_usd")) {
      JsonNode expected = result.json().path(field);
      JsonNode came = other.json().path(field);
      expect(
          isSame(expected, came),
          "the same result, with %s %s".formatted(field, expected),
          came.toString());
    }
  }

  private static boolean isSame(JsonNode one, JsonNode other) {
    if (one.isNumber() && other.isNumber()) {
      return one.decimalValue().compareTo(other.decimalValue()) == 0;
    }
    return one.equals(other);
  }

  /// Calls that brought nothing may be repeated; one that brought an answer is not.
  private static void isAnsweredOnce(Trial trial, Sent sent) throws InterruptedException {
    trial.event(sent, "task\\.succeeded");
    trial.later(() -> expectOneAnswer(trial, sent));
  }

  private static void expectOneAnswer(Trial trial, Sent sent) {
    List<String> answered =
        calls(trial, sent)
            .filter(it -> it.path("purpose").asString("").equals("task"))
            .filter(it -> it.at("/outcome/kind").asString("").equals("answered"))
            .map(it -> it.path("call_id").asString(""))
            .distinct()
            .toList();
    expect(answered.size() == 1, "one answered call in the events", answered.toString());
  }

  /// The ends of calls that the events of a task show.
  private static Stream<JsonNode> calls(Trial trial, Sent sent) {
    return trial.events(sent).stream()
        .map(Seen::json)
        .flatMap(it -> Stream.of(it, it.path("call"), it.path("ended_call")))
        .filter(it -> it.has("call_id"));
  }
}
