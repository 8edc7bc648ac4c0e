package dev.symbiont.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

class TaskTest {

  @Test
  void onlyThePromptIsNeeded() {
    var task = Task.of("Summarize this email");

    assertThat(task.priority()).isEqualTo(Priority.NORMAL);
    assertThat(task.labels()).isEmpty();
    assertThat(task.mayFallBack()).isTrue();
    assertThat(task.id()).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\n\t", "\u2028"})
  void aPromptOfNothingIsRefused(String prompt) {
    assertRefused("task", () -> Task.of(prompt));
  }

  @Test
  void halfASurrogatePairIsRefusedInPromptAndSystemPrompt() {
    assertRefused("task", () -> Task.of("x\ud83d"));
    assertRefused("task", () -> Task.of("\ude80x"));
    assertRefused("system", () -> with("id", "half \ud83d", null));
    assertThat(Task.of("\ud83d\ude80").task()).isEqualTo("\ud83d\ude80");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "7", "task-1711123456", "A.b_c:d-e"})
  void anIdMayHaveLettersDigitsAndAFewMarks(String id) {
    assertThat(Task.of("x").withId(id).id()).isEqualTo(id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-a", ".a", "a b", "a/b", "a\n", "../a", "\u00e9", "a\u0000"})
  void anyOtherIdIsRefused(String id) {
    assertRefused("id", () -> Task.of("x").withId(id));
  }

  @Test
  void anIdHasAtMost128Characters() {
    var longest = "a".repeat(128);

    assertThat(Task.of("x").withId(longest).id()).isEqualTo(longest);
    assertRefused("id", () -> Task.of("x").withId(longest + "a"));
  }

  @Test
  void aJsonSchemaIsAnObject() {
    var nodes = JsonNodeFactory.instance;

    assertThat(with("id", null, nodes.objectNode()).jsonSchema()).isNotNull();
    assertRefused("json_schema", () -> with("id", null, nodes.arrayNode()));
    assertRefused("json_schema", () -> with("id", null, nodes.stringNode("{}")));
    assertRefused("json_schema", () -> with("id", null, nodes.nullNode()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ftp://example.org/x",
        "example.org",
        "https://",
        "https:///path",
        "https://user:password@example.org/",
        "https://example.org/ a",
        "mailto:a@example.org"
      })
  void aWebhookIsAnAddressThatCanBeCalled(String url) {
    assertThat(withWebhook("https://example.org/done?x=1").webhook()).isNotNull();
    assertRefused("webhook", () -> withWebhook(url));
  }

  private static Task withWebhook(String url) {
    return new Task(
        null,
        "x",
        null,
        null,
        null,
        Priority.NORMAL,
        null,
        null,
        null,
        null,
        null,
        null,
        Map.of(),
        url);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0.00", "-0.01", "-1e300"})
  void aBoundOnTheCostIsPositive(String maxCostUsd) {
    assertRefused("max_cost_usd", () -> within(null, maxCostUsd));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.000000000000000000000000000001", "0.5", "1000000"})
  void aBoundOnTheCostIsKeptExactly(String maxCostUsd) {
    assertThat(within(null, maxCostUsd).maxCostUsd()).isEqualTo(new BigDecimal(maxCostUsd));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e301", "1e999999999", "1e-301", "1e-2147483647"})
  void aBoundOnTheCostThatCannotBeWrittenOutIsRefused(String maxCostUsd) {
    assertRefused("max_cost_usd", () -> within(null, maxCostUsd));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
  void aTimeoutIsPositive(int timeoutSeconds) {
    assertRefused("timeout_seconds", () -> within(timeoutSeconds, null));
    assertThat(within(1, null).timeoutSeconds()).isEqualTo(1);
  }

  @Test
  void aTaskThatHasAnotherGoKeepsItsBounds() {
    var again = within(90, "0.25").again("y");

    assertThat(again.maxCostUsd()).isEqualTo(new BigDecimal("0.25"));
    assertThat(again.timeoutSeconds()).isEqualTo(90);
  }

  @Test
  void atMost64LabelsAreAllowed() {
    assertThat(withLabels(labels(64)).labels()).hasSize(64);
    assertRefused("labels", () -> withLabels(labels(65)));
  }

  @Test
  void labelsAreCopied() {
    var labels = new HashMap<>(Map.of("team", "support"));

    var task = withLabels(labels);
    labels.clear();

    assertThat(task.labels()).containsExactly(Map.entry("team", "support"));
  }

  @Test
  void onlyASaidNoForbidsAFallback() {
    assertThat(withFallback(null).mayFallBack()).isTrue();
    assertThat(withFallback(true).mayFallBack()).isTrue();
    assertThat(withFallback(false).mayFallBack()).isFalse();
  }

  @Test
  void aCopyWithAnIdOrATierKeepsTheRest() {
    var deadline = Instant.parse("2026-03-19T15:00:00Z");
    var task =
        new Task(
            "a",
            "x",
            "haiku",
            false,
            true,
            Priority.HIGH,
            deadline,
            90,
            new BigDecimal("0.25"),
            null,
            "be brief",
            JsonNodeFactory.instance.objectNode(),
            Map.of("k", "v"),
            null);

    assertThat(task.withId("b").withId("a")).isEqualTo(task);
    assertThat(task.withId("b").id()).isEqualTo("b");
    assertThat(task.withForceTier("opus").withForceTier("haiku")).isEqualTo(task);
    assertThat(task.withForceTier("opus").forceTier()).isEqualTo("opus");
  }

  private static Task with(String id, @Nullable String system, @Nullable JsonNode jsonSchema) {
    return new Task(
        id,
        "x",
        null,
        null,
        null,
        Priority.NORMAL,
        null,
        null,
        null,
        null,
        system,
        jsonSchema,
        Map.of(),
        null);
  }

  private static Task withLabels(Map<String, String> labels) {
    return new Task(
        null,
        "x",
        null,
        null,
        null,
        Priority.NORMAL,
        null,
        null,
        null,
        null,
        null,
        null,
        labels,
        null);
  }

  private static Task withFallback(@Nullable Boolean allowed) {
    return new Task(
        null,
        "x",
        null,
        allowed,
        null,
        Priority.NORMAL,
        null,
        null,
        null,
        null,
        null,
        null,
        Map.of(),
        null);
  }

  private static Task within(@Nullable Integer timeoutSeconds, @Nullable String maxCostUsd) {
    return new Task(
        null,
        "x",
        null,
        null,
        null,
        Priority.NORMAL,
        null,
        timeoutSeconds,
        maxCostUsd == null ? null : new BigDecimal(maxCostUsd),
        null,
        null,
        null,
        Map.of(),
        null);
  }

  private static Map<String, String> labels(int count) {
    return IntStream.range(0, count)
        .boxed()
        .collect(Collectors.toMap(i -> "label" + i, i -> "value" + i));
  }

  private static void assertRefused(String field, ThrowingCallable action) {
    assertThatExceptionOfType(InvalidFieldException.class)
        .isThrownBy(action)
        .withMessageStartingWith(field + ": ")
        .extracting(InvalidFieldException::field)
        .isEqualTo(field);
  }
}
