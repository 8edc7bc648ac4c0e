package dev.symbiont.ops.conformance;

import static dev.symbiont.ops.conformance.Trial.expect;
import static java.util.Map.entry;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/// What a watcher sees.
final class EventRules {

  private static final String ENDED = "task\\.(succeeded|failed|cancelled|expired|set_aside)";

  /// The schema that an event with such a key has.
  private static final Map<String, String> SCHEMAS =
      Map.ofEntries(
          entry("task\\.accepted\\..+", "symbiont.accepted.v1"),
          entry("call\\.(requested\\..+|declined)", "symbiont.classification.v1"),
          entry("call\\.ended\\..+", "symbiont.call.v1"),
          entry("task\\.(routed|parked)\\..+", "symbiont.routed.v1"),
          entry("task\\.discarded", "symbiont.discarded.v1"),
          entry(ENDED, "symbiont.ended.v1"),
          entry("worker\\..+", "symbiont.worker.v1"),
          entry("tier\\..+", "symbiont.tier.v1"));

  private EventRules() {}

  static List<Rule> all() {
    return List.of(
        new Rule(
            "events.life",
            "a producer's task is seen to be routed, after a classification if there is one, and to end once",
            List.of("minimal"),
            EventRules::life),
        new Rule(
            "events.type",
            "an event of a task has the type that goes with its routing key, content_type and message_id",
            List.of("minimal"),
            trial -> {
              trial.event(trial.minimal(), ENDED);
              trial.later(() -> trial.events().forEach(EventRules::expectType));
            }),
        new Rule(
            "events.schema",
            "an event of a task obeys the schema that its type names",
            List.of("minimal"),
            trial -> {
              trial.event(trial.minimal(), ENDED);
              trial.later(() -> trial.events().forEach(EventRules::expectSchema));
            }),
        new Rule(
            "events.alive",
            "workers give signs of life, and it is told how a tier stands",
            List.of(),
            trial -> {
              for (String key : List.of("worker.heartbeat", "tier.state." + trial.tier())) {
                Seen sign = trial.signOfLife(key);
                expectType(sign);
                expectSchema(sign);
              }
            }));
  }

  private static void life(Trial trial) throws InterruptedException {
    Sent sent = trial.minimal();
    trial.event(sent, ENDED);
    trial.later(
        () -> {
          // A repeated message is one event.
          List<String> keys =
              trial.events(sent).stream()
                  .collect(
                      Collectors.toMap(
                          it -> String.valueOf(it.properties().getMessageId()),
                          Seen::key,
                          (first, _) -> first,
                          LinkedHashMap::new))
                  .values()
                  .stream()
                  .toList();
          String told = String.join(", ", keys);
          expect(
              told.matches(
                  "(call\\.requested\\.[^,]+, (call\\.ended\\.classified|call\\.declined), )?"
                      + "(task\\.(routed|parked)\\.[^,]+, |call\\.ended\\.retried, )+task\\.succeeded"),
              "call.requested and its end or neither, task.routed, task.succeeded",
              told);
        });
  }

  private static void expectType(Seen event) {
    String type =
        SCHEMAS.entrySet().stream()
            .filter(it -> event.key().matches(it.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse("of a known key");
    same(event, "type", type, event.properties().getType());
    same(event, "content_type", "application/json", event.properties().getContentType());
    expect(
        Evidence.isSignOfLife(event) || event.properties().getMessageId() != null,
        "a message_id with " + event.key(),
        "none");
  }

  private static void expectSchema(Seen event) {
    String type = String.valueOf(event.properties().getType());
    List<String> problems = Schemas.problems(type, event.json());
    expect(
        problems.isEmpty(), "%s with %s".formatted(type, event.key()), String.join("; ", problems));
  }

  private static void same(Seen event, String property, String expected, String came) {
    expect(
        Objects.equals(came, expected),
        "%s %s with %s".formatted(property, expected, event.key()),
        String.valueOf(came));
  }
}
