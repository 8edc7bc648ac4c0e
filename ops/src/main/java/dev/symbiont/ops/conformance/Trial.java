package dev.symbiont.ops.conformance;

import com.rabbitmq.client.AMQP;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// One rule on its way to a verdict: what it publishes, what it waits for, and what it looks at
/// when everything else is over.
final class Trial {

  private final Rule rule;
  private final Surroundings around;
  private final Evidence evidence;
  private final List<Runnable> later = new ArrayList<>();
  private @Nullable String why;

  /// What the trials of a run share.
  ///
  /// @param producer who publishes, and what has come of it
  /// @param run tells this run's messages from those of all others
  /// @param tier that most tasks force, so that they cost little
  /// @param numbers of the messages of this run
  /// @param shared tasks that several rules look at, by the name of their sample
  record Surroundings(
      Producer producer,
      String run,
      String tier,
      AtomicInteger numbers,
      Map<String, Sent> shared) {}

  Trial(Rule rule, Surroundings around) {
    this.rule = rule;
    this.around = around;
    this.evidence = around.producer.evidence();
  }

  Rule rule() {
    return rule;
  }

  /// Publishes, and waits for what has to come.
  void begin() throws InterruptedException {
    try {
      rule.check().of(this);
    } catch (BrokenRuleException e) {
      why = e.getMessage();
    }
  }

  /// Looks for what must not have come, and says why the rule is broken if it is.
  Optional<String> end() {
    try {
      later.forEach(Runnable::run);
    } catch (BrokenRuleException e) {
      why = why == null ? e.getMessage() : why;
    }
    return Optional.ofNullable(why);
  }

  /// Does this when nothing more is awaited by any rule.
  void later(Runnable look) {
    later.add(look);
  }

  /// A wire sample, with the values of this run and these.
  byte[] sample(String name, Map<String, String> values) {
    if (!rule.samples().contains(name)) {
      throw new IllegalStateException("rule %s does not name %s".formatted(rule.id(), name));
    }
    try (InputStream in =
        Objects.requireNonNull(
            Trial.class.getResourceAsStream("/conformance/%s.json".formatted(name)), name)) {
      // Byte for byte: not every sample is UTF-8.
      String text = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
      text = text.replace("@RUN@", around.run).replace("@RULE@", rule.id());
      text = text.replace("@TIER@", around.tier);
      for (Map.Entry<String, String> value : values.entrySet()) {
        text = text.replace(value.getKey(), value.getValue());
      }
      return text.getBytes(StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  byte[] sample(String name) {
    return sample(name, Map.of());
  }

  Sent publish(String sample) throws InterruptedException {
    return publish(sample(sample));
  }

  Sent publish(byte[] body) throws InterruptedException {
    return publish(body, "normal", it -> it);
  }

  /// @param change of what a careful producer sets: persistent, with its queue and a correlation id
  Sent publish(byte[] body, String key, UnaryOperator<AMQP.BasicProperties.Builder> change)
      throws InterruptedException {
    int number = around.numbers.incrementAndGet();
    var usual =
        new AMQP.BasicProperties.Builder()
            .deliveryMode(2)
            .replyTo(around.producer.replies())
            .correlationId("conformance %s ä漢\" #%d".formatted(around.run, number));
    AMQP.BasicProperties properties = change.apply(usual).build();
    around.producer.publish(key, properties, body);
    return new Sent(properties.getCorrelationId(), idIn(body), body);
  }

  /// The task with nothing but a prompt.
  Sent minimal() throws InterruptedException {
    return shared("minimal");
  }

  /// A task with an id, a forced tier and labels.
  Sent named() throws InterruptedException {
    return shared("named");
  }

  private Sent shared(String sample) throws InterruptedException {
    byte[] body = sample(sample);
    synchronized (around.shared) {
      Sent sent = around.shared.get(sample);
      if (sent == null) {
        sent = publish(body);
        around.shared.put(sample, sent);
      }
      return sent;
    }
  }

  /// The first result, whatever it says.
  Seen result(Sent sent) throws InterruptedException {
    return await(
        "a result",
        () -> {
          evidence.letters(sent).stream()
              .findFirst()
              .ifPresent(
                  letter -> {
                    throw new BrokenRuleException(
                        "a result",
                        "the task into the dead letters: " + letter.header(Topology.REASON_HEADER));
                  });
          evidence.astray(sent).stream()
              .findFirst()
              .ifPresent(
                  stray -> {
                    throw new BrokenRuleException(
                        "the correlation_id '%s' back".formatted(sent.correlationId()),
                        "'%s'".formatted(stray.correlationId()));
                  });
          return evidence.results(sent).stream().findFirst();
        });
  }

  /// The first result, which is an answer.
  Seen success(Sent sent) throws InterruptedException {
    Seen result = result(sent);
    expect(result, "status", "succeeded");
    return result;
  }

  /// The first event of the task whose routing key is like that.
  Seen event(Sent sent, String keyPattern) throws InterruptedException {
    return await(
        "an event " + keyPattern.replace("\\", "").replace("[^.]+", "*"),
        () -> events(sent).stream().filter(it -> it.key().matches(keyPattern)).findFirst());
  }

  /// The newest event of this key, which tells of a worker or a tier.
  Seen signOfLife(String key) throws InterruptedException {
    return await("an event " + key, () -> evidence.signOfLife(key));
  }

  List<Seen> results(Sent sent) {
    return evidence.results(sent);
  }

  List<Seen> events(Sent sent) {
    return evidence.events(sent);
  }

  List<Seen> events() {
    return evidence.events();
  }

  String tier() {
    return around.tier;
  }

  String run() {
    return around.run;
  }

  /// The dead letter of a message that is no task; fails as soon as it is taken for one.
  Seen letter(Sent sent) throws InterruptedException {
    return await(
        "the message in the dead letters",
        () -> {
          expectNotTaken(sent);
          return evidence.letters(sent).stream().findFirst();
        });
  }

  /// It got no result and is not on its way to one.
  void expectNotTaken(Sent sent) {
    evidence.results(sent).stream()
        .findFirst()
        .ifPresent(
            result -> {
              throw new BrokenRuleException(
                  "no result for what is no task", "one: " + shown(result.json()));
            });
    evidence.events(sent).stream()
        .findFirst()
        .ifPresent(
            event -> {
              throw new BrokenRuleException(
                  "no event of what is no task",
                  "%s: %s".formatted(event.key(), shown(event.json())));
            });
  }

  /// What `look` finds before the time is up.
  <T> T await(String what, Supplier<Optional<T>> look) throws InterruptedException {
    return evidence
        .await(around.producer.patience(), look)
        .orElseThrow(
            () ->
                new BrokenRuleException(
                    what, "nothing within %d ms".formatted(around.producer.patience().toMillis())));
  }

  /// The field of a message has this value.
  static void expect(Seen message, String field, String value) {
    JsonNode found = message.json().at("/" + field.replace('.', '/'));
    String error = message.json().path("error").asString("");
    expect(
        found.asString("").equals(value),
        "%s '%s'".formatted(field, value),
        (found.isMissingNode() ? "none" : "'%s'".formatted(found.asString(found.toString())))
            + (error.isEmpty() ? "" : ": " + error));
  }

  static void expect(boolean holds, String expected, String came) {
    if (!holds) {
      throw new BrokenRuleException(expected, came);
    }
  }

  static String shown(JsonNode json) {
    return CallEnded.preview(json.toString());
  }

  private static String idIn(byte[] body) {
    try {
      return Codec.mapper().readTree(body).path("id").asString("");
    } catch (JacksonException e) {
      return "";
    }
  }
}
