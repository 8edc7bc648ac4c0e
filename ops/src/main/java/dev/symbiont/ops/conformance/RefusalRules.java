package dev.symbiont.ops.conformance;

import static dev.symbiont.ops.conformance.Trial.expect;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.topology.Topology;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// What is no task: set aside with its reason, never dropped, never called, never answered.
final class RefusalRules {

  private static final List<String> WRONG =
      List.of("wrong-task", "wrong-priority", "wrong-deadline", "wrong-labels", "wrong-fallback");

  private RefusalRules() {}

  static List<Rule> all() {
    Stream<Rule> byBody =
        Stream.of(
            refused("json", "what is no JSON", "no-json", ""),
            refused("utf8", "what is no UTF-8", "no-utf8", ""),
            refused("empty", "an empty body", "empty", ""),
            refused("twice", "a body that has a field twice", "twice", ""),
            refused("depth", "a body that nests deeper than 100 levels", "too-deep", ""),
            refused("prompt", "a body without a task", "no-prompt", "task"),
            refused("tier", "a tier that is not configured", "unknown-tier", "force_tier"),
            refused("webhook", "a task whose webhook is no https address", "webhook", "webhook"));
    Stream<Rule> byProperties =
        Stream.of(
            refused(
                "version",
                "a task of another major version",
                "symbiont.task.v2",
                it -> it.type("symbiont.task.v2")),
            refused(
                "type",
                "a message of the fleet's own from a producer",
                "type",
                it -> it.type(AnswerRules.RESULT)),
            refused(
                "reply",
                "a task with a queue of the fleet as reply_to",
                "reply_to",
                it -> it.replyTo("symbiont.conformance")));
    Stream<Rule> others =
        Stream.of(
            new Rule(
                "aside.field",
                says("a body with a field of the wrong type"),
                WRONG,
                RefusalRules::fields),
            new Rule(
                "aside.size",
                says("a body of more than %d bytes".formatted(Task.MAX_BYTES)),
                List.of("padded"),
                trial ->
                    isSetAside(
                        trial, trial.publish(TaskRules.padded(trial, Task.MAX_BYTES + 1)), "")),
            new Rule(
                "aside.letter",
                "a message that is set aside lies there as it came, with its source",
                List.of("no-prompt"),
                RefusalRules::letter));
    return Stream.of(byBody, byProperties, others).flatMap(it -> it).toList();
  }

  private static Rule refused(String id, String what, String sample, String named) {
    return new Rule(
        "aside." + id,
        says(what),
        List.of(sample),
        trial -> isSetAside(trial, trial.publish(sample), named));
  }

  /// A good body with properties that are none.
  private static Rule refused(
      String id, String what, String named, UnaryOperator<AMQP.BasicProperties.Builder> change) {
    return new Rule(
        "aside." + id,
        says(what),
        List.of("forced"),
        trial -> isSetAside(trial, trial.publish(trial.sample("forced"), "normal", change), named));
  }

  private static String says(String what) {
    return what + " is set aside, and never answered";
  }

  private static void fields(Trial trial) throws InterruptedException {
    for (String sample : WRONG) {
      String field =
          switch (sample) {
            case "wrong-fallback" -> "allow_fallback";
            default -> sample.substring("wrong-".length());
          };
      isSetAside(trial, trial.publish(sample), field);
    }
  }

  private static void letter(Trial trial) throws InterruptedException {
    Map<String, Object> own = Map.of("conformance", trial.run());
    Sent sent =
        trial.publish(
            trial.sample("no-prompt"),
            "high",
            it -> it.headers(own).contentType("text/x-rubbish").type("symbiont.task.v1"));
    Seen letter = trial.letter(sent);
    expect(Arrays.equals(letter.body(), sent.body()), "the body as it was", "another one");
    same("content_type", "text/x-rubbish", letter.properties().getContentType());
    same("type", "symbiont.task.v1", letter.properties().getType());
    same("header conformance", trial.run(), letter.header("conformance"));
    same(Topology.EXCHANGE_HEADER, Topology.TASKS, letter.header(Topology.EXCHANGE_HEADER));
    same(Topology.SOURCE_HEADER, "symbiont.inbox.high", letter.header(Topology.SOURCE_HEADER));
    expect(
        !letter.header(Topology.LETTER_HEADER).isBlank(),
        "the header %s, as it has no message_id".formatted(Topology.LETTER_HEADER),
        "none");
  }

  /// @param named what the reason has to name
  private static void isSetAside(Trial trial, Sent sent, String named) throws InterruptedException {
    String reason = trial.letter(sent).header(Topology.REASON_HEADER);
    expect(!reason.isBlank(), "a reason in the header " + Topology.REASON_HEADER, "none");
    expect(reason.lines().count() == 1, "a reason of one line", reason);
    expect(reason.contains(named), "a reason that names " + named, "'%s'".formatted(reason));
    trial.later(() -> trial.expectNotTaken(sent));
  }

  private static void same(String what, String expected, String came) {
    expect(
        Objects.equals(came, expected),
        "%s '%s'".formatted(what, expected),
        "'%s'".formatted(came));
  }
}
