package dev.symbiont.ledger.journal;

import static dev.symbiont.ledger.Samples.NOON;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.Samples;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class EntryTest {

  private static final AcceptedTask TASK = Samples.accepted("task-1");
  private static final RoutedTask ROUTED = Samples.routed(TASK, "haiku");
  private static final CallGranted GRANT =
      Samples.granted(Samples.request(ROUTED, "ask-1", "worker-1"), 1);

  @ParameterizedTest
  @MethodSource("steps")
  void everyKindOfStepComesBackAsItWas(Step step) {
    var entry = Entry.of(step, NOON);

    Entry read = Entry.read(entry.toJson());

    assertThat(read).isEqualTo(entry);
    assertThat(read.eventId()).isEqualTo(step.eventId());
  }

  static Stream<Step> steps() {
    CallEnded call = Samples.answered(GRANT, "0.007175999999999998");
    return Stream.of(
        TASK,
        Samples.accepted("task-1", "a\n\"b\"\u2028\u0085\uD83D\uDE00", new Reply("k", "q", "c")),
        Samples.classification(TASK),
        ROUTED,
        Samples.fallenBack(ROUTED, "sonnet", Samples.crashed(GRANT)),
        GRANT,
        call,
        call.carrying(TASK),
        Samples.ended(GRANT, new Outcome.Limited(NOON, "headers", "limited"), "0.10"),
        Samples.ended(GRANT, new Outcome.Refused(Outcome.Refusal.TOO_LARGE, "too large"), "100"),
        Samples.ended(GRANT, new Outcome.Unknown("silent"), "0.000000001"),
        Samples.succeeded(ROUTED, call),
        Samples.endedWithoutCall("task-1", TaskState.EXPIRED),
        new SetAside(
            "task-1", "task-1/set_aside", "some.queue", "no reason", NOON, 17, "rubbish", 0));
  }

  @Test
  void anEntryIsOneLineWithItsMembersInThisOrder() {
    var nanos = Instant.parse("2026-03-01T12:00:00.123456789Z");
    byte[] line = Entry.of(GRANT, nanos).toJson();

    JsonNode json = Codec.mapper().readTree(line);

    assertThat(json.propertyNames()).containsExactly("event_id", "recorded_at", "schema", "body");
    assertThat(json.get("event_id").asString()).isEqualTo("task-1/call.1/granted");
    assertThat(json.get("recorded_at").asString()).isEqualTo("2026-03-01T12:00:00.123456789Z");
    assertThat(json.get("schema").asString()).isEqualTo("symbiont.granted.v1");
    assertThat(new String(line, UTF_8)).doesNotContain("\n");
  }

  @Test
  void anAmountKeepsItsDigits() {
    CallEnded call = Samples.answered(GRANT, "0.10");

    var read = (CallEnded) Entry.read(Entry.of(call, NOON).toJson()).step();

    assertThat(read.usage().costUsd().toString()).isEqualTo("0.10");
    assertThat(read.elapsedSeconds()).isEqualTo(new BigDecimal("1.500"));
    assertThat(read.elapsedSeconds().scale()).isEqualTo(3);
  }

  @Test
  void theDeepestStepThatCanBeReceivedCanBeReadFromTheJournal() {
    byte[] body = Codec.encode(deep(50));
    assertThat(Codec.decode("symbiont.routed.v1", body)).isNotNull();
    var step = (Step) Codec.decode("symbiont.routed.v1", body);

    Entry read = Entry.read(Entry.of(step, NOON).toJson());

    assertThat(read.step()).isEqualTo(step);
  }

  /// A task whose schema nests so deep that the routed message has three levels more.
  private static RoutedTask deep(int levels) {
    JsonNode schema =
        Codec.mapper().readTree("{\"a\":".repeat(levels - 1) + "{}" + "}".repeat(levels - 1));
    var task =
        new Task(
            "task-1",
            "prompt",
            null,
            null,
            null,
            dev.symbiont.contract.Priority.NORMAL,
            null,
            null,
            null,
            null,
            null,
            schema,
            Map.of(),
            null);
    return Samples.routed(new AcceptedTask(task, NOON, Reply.NONE, false), "haiku");
  }
}
