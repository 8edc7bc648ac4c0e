package dev.symbiont.contract.wire;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.symbiont.contract.Task;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the codec refuses, and how it tells the author. A reason ends up in a message header, a log
/// line and an HTTP answer, so it is one line and short.
class CodecRefusalTest {

  private static final int LONGEST_REASON = 250;

  @Test
  void aMissingTypeIsSaid() {
    var refusal = refusalOf(null, "{}".getBytes(UTF_8));

    assertThat(refusal).hasMessage("the AMQP property 'type' is missing");
  }

  @ParameterizedTest
  @ValueSource(strings = {"symbiont.task.v2", "symbiont.task", "", "java.lang.Object", "TASK"})
  void anUnknownSchemaIsNamed(String schema) {
    var refusal = refusalOf(schema, "{}".getBytes(UTF_8));

    assertThat(refusal).hasMessage("unknown schema '%s'", schema);
    assertThat(refusal.field()).isNull();
  }

  @Test
  void anUnknownSchemaCannotBreakTheLineItIsReportedOn() {
    var refusal = refusalOf("evil\r\n\u001b[2Jlog line\u2028" + "x".repeat(10_000), new byte[0]);

    assertThat(refusal.getMessage()).startsWith("unknown schema 'evil");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      textBlock =
          """
          task           | {}
          task           | {"task": null}
          task           | {"task": ""}
          task           | {"task": " \\n "}
          task           | {"task": ["x"]}
          task           | {"task": {"x": 1}}
          id             | {"task": "x", "id": "a b"}
          id             | {"task": "x", "id": {}}
          priority       | {"task": "x", "priority": "urgent"}
          priority       | {"task": "x", "priority": "HIGH"}
          allow_fallback | {"task": "x", "allow_fallback": "perhaps"}
          deadline       | {"task": "x", "deadline": "tomorrow"}
          labels         | {"task": "x", "labels": ["a"]}
          labels.a       | {"task": "x", "labels": {"a": {}}}
          json_schema    | {"task": "x", "json_schema": "{}"}
          json_schema    | {"task": "x", "json_schema": null}
          allow_downgrade | {"task": "x", "allow_downgrade": "perhaps"}
          max_cost_usd   | {"task": "x", "max_cost_usd": 0}
          max_cost_usd   | {"task": "x", "max_cost_usd": -0.5}
          max_cost_usd   | {"task": "x", "max_cost_usd": 1e999999}
          max_cost_usd   | {"task": "x", "max_cost_usd": "cheap"}
          timeout_seconds | {"task": "x", "timeout_seconds": 0}
          timeout_seconds | {"task": "x", "timeout_seconds": -1}
          timeout_seconds | {"task": "x", "timeout_seconds": 1.5}
          timeout_seconds | {"task": "x", "timeout_seconds": "60"}
          timeout_seconds | {"task": "x", "timeout_seconds": "soon"}
          webhook        | {"task": "x", "webhook": "ftp://example.org"}
          """)
  void aFieldOfATaskThatIsNotWhatItShouldBeIsNamed(String field, String body) {
    var refusal = refusalOf("symbiont.task.v1", body.getBytes(UTF_8));

    assertThat(refusal.field()).isEqualTo(field);
    assertThat(refusal.getMessage()).startsWith(field + ": ");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      textBlock =
          """
          symbiont.call.v1     | outcome            | {"outcome": {"kind": "vanished"}}
          symbiont.call.v1     | outcome            | {"outcome": {}}
          symbiont.call.v1     | attempt            | {"attempt": "first"}
          symbiont.call.v1     | usage.input_tokens | {"usage": {"input_tokens": []}}
          symbiont.ended.v1    | state              | {"task_id": "t", "reason": "", "total_cost_usd": 0, "ended_at": "2026-01-01T00:00:00Z", "state": "queued"}
          symbiont.ended.v1    | state              | {"state": "gone"}
          symbiont.ended.v1    | tried.[].cost_usd  | {"tried": [{"cost_usd": "dear"}]}
          symbiont.accepted.v1 | task               | {"task": {"task": ""}}
          symbiont.worker.v1   | phase              | {"phase": "asleep"}
          symbiont.tier.v1     | phase              | {"phase": "ajar"}
          symbiont.tier-set.v1 | action             | {"action": "close"}
          symbiont.tier-set.v1 | tier               | {"action": "wake"}
          symbiont.grant.v1    | when_spent         | {"answer": "over_budget", "when_spent": "borrow"}
          symbiont.grant.v1    | retry_after        | {"answer": "not_before", "retry_after": "soon"}
          symbiont.cancel-requested.v1 | task_id    | {"at": "2026-01-01T00:00:00Z"}
          """)
  void aFieldOfTheFleetsOwnMessagesIsNamedWithItsPath(String schema, String field, String body) {
    var refusal = refusalOf(schema, body.getBytes(UTF_8));

    assertThat(refusal.field()).isEqualTo(field);
  }

  @Test
  void aWrongWordIsAnsweredWithTheRightOnes() {
    var refusal = refusalOf("symbiont.task.v1", bytes("{\"task\":\"x\",\"priority\":\"now\"}"));

    assertThat(refusal).hasMessage("priority: must be one of [high, normal, low]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " \n",
        "null",
        "[]",
        "\"task\"",
        "42",
        "task=x",
        "{",
        "{\"task\":\"x\"",
        "{\"task\":\"x\"} x",
        "{\"task\":\"x\"}{\"task\":\"y\"}",
        "{\"task\":\"x\",}",
        "{'task':'x'}",
        "/* a */{\"task\":\"x\"}",
        "{\"task\":\"x\",\"json_schema\":{\"maximum\":NaN}}",
        "{\"task\":\"x\",\"task\":\"y\"}",
        "{\"task\":\"x\",\"labels\":{\"a\":\"1\",\"a\":\"2\"}}",
        "{\"task\":\"raw \u0001 control\"}",
        "<task>x</task>"
      })
  void whatIsNotOneJsonObjectIsRefused(String body) {
    var refusal = refusalOf("symbiont.task.v1", body.getBytes(UTF_8));

    assertThat(refusal.getMessage()).isNotBlank();
  }

  @ParameterizedTest
  @ValueSource(ints = {101, 10_000, 1_000_000})
  void nestingBeyondAHundredLevelsIsRefused(int depth) {
    var inSchema = "{\"task\":\"x\",\"json_schema\":" + nested(depth) + "}";
    var inUnknownField = "{\"task\":\"x\",\"extra\":" + nested(depth) + "}";

    assertThat(refusalOf("symbiont.task.v1", bytes(inSchema))).hasMessageContaining("depth");
    assertThat(refusalOf("symbiont.task.v1", bytes(inUnknownField))).hasMessageContaining("depth");
    assertThat(refusalOf("symbiont.task.v1", bytes("[".repeat(depth)))).isNotNull();
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    var bodies = new ArrayList<byte[]>();
    bodies.add("{\"task\":\"caf\u00e9\"}".getBytes(ISO_8859_1));
    bodies.add(new byte[] {(byte) 0xff, (byte) 0xfe, 0x00});
    bodies.add(taskWith(0x80));
    bodies.add(taskWith(0xed, 0xa0, 0x80)); // half a surrogate pair
    bodies.add(taskWith(0xf8, 0x88, 0x80, 0x80, 0x80)); // five bytes
    bodies.add(taskWith(0xe2, 0x82)); // cut short

    for (byte[] body : bodies) {
      assertThat(refusalOf("symbiont.task.v1", body)).isNotNull();
    }
  }

  @Test
  void aSerializedJavaObjectIsRefusedAndNotRead() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var out = new ObjectOutputStream(bytes)) {
      out.writeObject(new ArrayList<>(List.of("task")));
    }
    assertThat(bytes.toByteArray()).startsWith(0xac, 0xed);

    for (String schema : Codec.schemas()) {
      assertThat(refusalOf(schema, bytes.toByteArray())).isNotNull();
    }
  }

  @Test
  void halfASurrogatePairIsRefusedWithItsPlace() {
    assertThat(refusalOf("symbiont.task.v1", bytes("{\"task\":\"ab\\ud83d\"}")))
        .hasMessage("task: holds half a surrogate pair at character 2");
    assertThat(refusalOf("symbiont.task.v1", bytes("{\"task\":\"\\ude80\\ud83d\"}")))
        .hasMessage("task: holds half a surrogate pair at character 0");
    assertThat(refusalOf("symbiont.task.v1", bytes("{\"task\":\"x\",\"system\":\"\\ud83dx\"}")))
        .hasMessage("system: holds half a surrogate pair at character 0");
  }

  @Test
  void aWholeSurrogatePairIsFine() {
    var task = Codec.read(bytes("{\"task\":\"\\ud83d\\ude80\"}"), Task.class);

    assertThat(task.task()).isEqualTo("\ud83d\ude80");
  }

  @Test
  void everySchemaRefusesRubbishWithAReason() {
    for (String schema : Codec.schemas()) {
      for (String body : List.of("", "null", "[]", "x", "{", "{} {}")) {
        assertThat(refusalOf(schema, body.getBytes(UTF_8)).getMessage()).isNotBlank();
      }
    }
  }

  @Test
  void aForeignFieldNameCannotBreakOrFillTheReason() {
    refusalOf("symbiont.task.v1", bytes("{\"task\":\"x\",\"labels\":{\"a\\nb\\u001b[2J\":{}}}"));
    refusalOf(
        "symbiont.task.v1",
        bytes("{\"task\":\"x\",\"labels\":{\"%s\":{}}}".formatted("a".repeat(40_000))));
  }

  @Test
  void aLabelWithoutAValueIsNamed() {
    var refusal = refusalOf("symbiont.task.v1", bytes("{\"task\":\"x\",\"labels\":{\"a\":null}}"));

    assertThat(refusal.field()).startsWith("labels");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      textBlock =
          """
          task           | {"task": 42}
          task           | {"task": true}
          priority       | {"task": "x", "priority": 0}
          allow_fallback | {"task": "x", "allow_fallback": 0}
          max_cost_usd   | {"task": "x", "max_cost_usd": "0.5"}
          max_cost_usd   | {"task": "x", "max_cost_usd": true}
          deadline       | {"task": "x", "deadline": ""}
          deadline       | {"task": "x", "deadline": 1e999999999}
          """)
  void aScalarOfAnotherTypeIsRefused(String field, String body) {
    assertThat(refusalOf("symbiont.task.v1", bytes(body)).field()).isEqualTo(field);
  }

  private static byte[] bytes(String body) {
    return body.getBytes(UTF_8);
  }

  private static String nested(int depth) {
    return "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);
  }

  /// A task whose prompt is made of these bytes.
  private static byte[] taskWith(int... prompt) {
    var body = new ByteArrayOutputStream();
    body.writeBytes(bytes("{\"task\":\"x"));
    for (int b : prompt) {
      body.write(b);
    }
    body.writeBytes(bytes("\"}"));
    return body.toByteArray();
  }

  private static UnreadableMessageException refusalOf(@Nullable String schema, byte[] body) {
    var refusal =
        catchThrowableOfType(
            UnreadableMessageException.class, () -> Codec.decode(schema, body.clone()));
    assertThat(refusal).as("refusal of %s", schema).isNotNull();
    assertThat(refusal.getMessage())
        .doesNotContainPattern("[\\p{Cntrl}\\u0085\\u2028\\u2029]")
        .hasSizeLessThan(LONGEST_REASON);
    return refusal;
  }
}
