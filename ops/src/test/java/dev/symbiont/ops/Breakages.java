package dev.symbiont.ops;

import static java.util.Map.entry;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Delivery;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.hop.Parcel;
import dev.symbiont.ops.StandInFleet.Manner;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// For each rule of the conformance kit a fleet that breaks it.
final class Breakages {

  /// @param because what the kit has to say of it
  record Breakage(String because, Manner manner) {}

  static final Map<String, Breakage> BY_RULE =
      Map.ofEntries(
          entry(
              "task.minimal",
              new Breakage("a result; came nothing within", without(Breakages::isResult))),
          entry(
              "reply.once",
              new Breakage("one result; came 2", each(Breakages::isResult, Breakages::twice))),
          entry(
              "reply.correlation",
              new Breakage(
                  "; came 'another'",
                  properties(Breakages::isResult, it -> it.correlationId("another")))),
          entry(
              "reply.properties",
              new Breakage(
                  "content_type 'application/json'; came 'text/plain'",
                  properties(Breakages::isResult, it -> it.contentType("text/plain")))),
          entry(
              "result.schema",
              new Breakage(
                  "tried is missing", json(Breakages::isResult, it -> it.remove("tried")))),
          entry(
              "result.names",
              new Breakage("none of model", json(Breakages::isResult, it -> it.remove("model")))),
          entry(
              "result.cost",
              new Breakage(
                  "estimated_cost_usd; came 2e-5",
                  text(Breakages::isResult, it -> it.replace("usd\":0.00002", "usd\":2e-5")))),
          entry(
              "id.body",
              new Breakage(
                  "came 'my-own'", json(Breakages::isResult, it -> it.put("id", "my-own")))),
          entry(
              "id.again",
              new Breakage("the same result", whenRepeated(it -> it.put("total_cost_usd", 7)))),
          entry(
              "id.meanwhile",
              new Breakage("call.1000", each(event("task.succeeded"), Breakages::andCalledAgain))),
          entry(
              "id.message",
              new Breakage("the same result, with id", whenRepeated(it -> it.put("id", "drawn")))),
          entry(
              "tier.forced",
              new Breakage(
                  "decided_by 'forced'; came 'model'",
                  text(Breakages::isResult, it -> it.replace("\"forced\"", "\"model\"")))),
          entry(
              "priority.each",
              new Breakage(
                  "task.routed.*.low; came nothing",
                  each(
                      event("task.routed.haiku.low"),
                      it -> Stream.of(as(it, "task.routed.haiku.high"))))),
          entry(
              "key.unknown",
              new Breakage("a result; came nothing", dropping(Breakages::hasNoKnownKey))),
          entry("type.named", refusing(it -> it.getProperties().getType() != null)),
          entry("fields.unknown", refusing(it -> bodyOf(it).contains("future"))),
          entry("size.largest", refusing(it -> it.getBody().length > 1_000_000)),
          entry(
              "deadline.passed",
              new Breakage(
                  "status 'expired'; came 'succeeded'",
                  text(Breakages::isResult, it -> it.replace("\"expired\"", "\"succeeded\"")))),
          entry(
              "schema.answer",
              new Breakage(
                  "structured_output by the schema",
                  json(Breakages::isResult, it -> it.putObject("structured_output")))),
          entry(
              "labels.kept",
              new Breakage(
                  "the labels {", text(event("task.routed"), it -> it.replace("Größe", "size")))),
          entry("aside.json", taken()),
          entry("aside.utf8", answeredAsWell()),
          entry("aside.empty", new Breakage("came nothing within", without(Breakages::isLetter))),
          entry("aside.twice", taken()),
          entry("aside.depth", taken()),
          entry("aside.prompt", withReason("it is wrong", "a reason that names task")),
          entry("aside.tier", withReason("", "a reason in the header")),
          entry("aside.webhook", taken()),
          entry("aside.version", taken()),
          entry("aside.type", withReason("two\nlines", "a reason of one line")),
          entry("aside.reply", routedAsWell()),
          entry("aside.field", taken()),
          entry("aside.size", taken()),
          entry(
              "aside.letter",
              new Breakage(
                  "the body as it was", text(Breakages::isLetter, it -> it.strip() + " "))),
          entry("events.life", new Breakage("came call.requested", without(event("task.routed")))),
          entry(
              "events.type",
              new Breakage(
                  "type symbiont.ended.v1 with task.succeeded; came symbiont.ended.v2",
                  properties(event("task.succeeded"), it -> it.type("symbiont.ended.v2")))),
          entry(
              "events.alive",
              new Breakage(
                  "symbiont.tier.v1 with tier.state.haiku; came since is missing",
                  json(event("tier.state"), it -> it.remove("since")))),
          entry(
              "events.schema",
              new Breakage(
                  "symbiont.routed.v1 with task.routed.haiku.normal; came decision.confidence is none of",
                  text(event("task.routed"), it -> it.replace("\"high\"", "\"certain\"")))));

  private Breakages() {}

  /// A message that is no task is answered in its place.
  private static Breakage taken() {
    return new Breakage(
        "no result for what is no task; came one", (asked, _) -> List.of(answer(asked)));
  }

  /// It is set aside, and answered all the same.
  private static Breakage answeredAsWell() {
    return new Breakage(
        "no result for what is no task; came one",
        (asked, honest) -> Stream.concat(honest.stream(), Stream.of(answer(asked))).toList());
  }

  /// It is set aside, and goes on all the same.
  private static Breakage routedAsWell() {
    return new Breakage(
        "no event of what is no task; came task.routed.haiku.normal",
        (asked, honest) -> Stream.concat(honest.stream(), Stream.of(routed(asked))).toList());
  }

  private static Breakage withReason(String reason, String because) {
    return new Breakage(because, (asked, _) -> List.of(StandInFleet.letter(asked, reason)));
  }

  /// Sets tasks aside that are good.
  private static Breakage refusing(Predicate<Delivery> which) {
    return new Breakage(
        "the task into the dead letters: not here",
        (asked, honest) ->
            which.test(asked) ? List.of(StandInFleet.letter(asked, "not here")) : honest);
  }

  private static Manner dropping(Predicate<Delivery> which) {
    return (asked, honest) -> which.test(asked) ? List.of() : honest;
  }

  private static Manner without(Predicate<Parcel> which) {
    return (_, honest) -> honest.stream().filter(which.negate()).toList();
  }

  private static Manner each(Predicate<Parcel> which, Function<Parcel, Stream<Parcel>> change) {
    return (_, honest) ->
        honest.stream().flatMap(it -> which.test(it) ? change.apply(it) : Stream.of(it)).toList();
  }

  private static Manner json(Predicate<Parcel> which, Consumer<ObjectNode> change) {
    return each(which, it -> Stream.of(changed(it, change)));
  }

  private static Manner text(Predicate<Parcel> which, UnaryOperator<String> change) {
    return each(
        which,
        it -> {
          String text = change.apply(new String(it.body(), StandardCharsets.UTF_8));
          return Stream.of(with(it, text.getBytes(StandardCharsets.UTF_8)));
        });
  }

  private static Manner properties(
      Predicate<Parcel> which, UnaryOperator<AMQP.BasicProperties.Builder> change) {
    return each(
        which,
        it ->
            Stream.of(
                new Parcel(
                    it.exchange(),
                    it.key(),
                    change.apply(it.properties().builder()).build(),
                    it.body(),
                    true)));
  }

  /// An honest fleet says nothing but the result to a task that has ended.
  private static Manner whenRepeated(Consumer<ObjectNode> change) {
    return (_, honest) ->
        honest.size() == 1 && isResult(honest.getFirst())
            ? List.of(changed(honest.getFirst(), change))
            : honest;
  }

  private static boolean isResult(Parcel parcel) {
    return parcel.exchange().isEmpty();
  }

  private static boolean isLetter(Parcel parcel) {
    return parcel.exchange().equals(Topology.DEAD_LETTERS);
  }

  private static Predicate<Parcel> event(String key) {
    return it -> it.exchange().equals(Topology.EVENTS) && it.key().startsWith(key);
  }

  private static Stream<Parcel> twice(Parcel parcel) {
    return Stream.of(parcel, parcel);
  }

  private static Stream<Parcel> andCalledAgain(Parcel end) {
    return Stream.of(end, changed(end, it -> it.withObject("call").put("call_id", "call.1000")));
  }

  private static Parcel as(Parcel parcel, String key) {
    return new Parcel(parcel.exchange(), key, parcel.properties(), parcel.body(), true);
  }

  private static Parcel with(Parcel parcel, byte[] body) {
    return new Parcel(parcel.exchange(), parcel.key(), parcel.properties(), body, true);
  }

  private static Parcel changed(Parcel parcel, Consumer<ObjectNode> change) {
    var json = (ObjectNode) Codec.mapper().readTree(parcel.body());
    change.accept(json);
    return with(parcel, Codec.mapper().writeValueAsBytes(json));
  }

  /// To whoever published it, wherever that wants it sent.
  private static Parcel answer(Delivery asked) {
    var properties =
        new AMQP.BasicProperties.Builder()
            .correlationId(asked.getProperties().getCorrelationId())
            .build();
    byte[] body = "{\"status\": \"succeeded\"}".getBytes(StandardCharsets.UTF_8);
    return new Parcel("", asked.getProperties().getReplyTo(), properties, body, false);
  }

  private static Parcel routed(Delivery asked) {
    String body = "{\"accepted\": {\"task\": %s}}".formatted(bodyOf(asked));
    return new Parcel(
        Topology.EVENTS,
        "task.routed.haiku.normal",
        new AMQP.BasicProperties(),
        body.getBytes(StandardCharsets.UTF_8),
        true);
  }

  private static boolean hasNoKnownKey(Delivery asked) {
    return !asked.getEnvelope().getRoutingKey().matches("low|normal|high");
  }

  private static String bodyOf(Delivery asked) {
    return new String(asked.getBody(), StandardCharsets.UTF_8);
  }
}
