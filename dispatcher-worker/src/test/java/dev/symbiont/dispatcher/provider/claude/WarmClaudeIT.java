package dev.symbiont.dispatcher.provider.claude;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import dev.symbiont.testing.StubApi.Request;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The real CLI answers one task after another in one process, and what it sends to the model for
/// one has nothing of those before.
class WarmClaudeIT {

  private static final JsonNode SCHEMA =
      Codec.mapper()
          .readTree(
              "{\"type\":\"object\",\"properties\":{\"crimson\":{\"type\":\"string\"}},\"required\":[\"crimson\"]}");

  @TempDir Path folder;
  private RealClaude claude;
  private ClaudeProvider provider;

  @BeforeEach
  void start() throws IOException {
    claude = RealClaude.start(folder, true);
    provider = claude.provider();
  }

  @AfterEach
  @SuppressWarnings("ConstantValue") // null when the test is skipped
  void stop() throws IOException {
    if (claude != null) {
      provider.close();
      claude.close();
    }
  }

  @Test
  void nothingOfATaskIsInARequestOfAnother() throws IOException {
    // Two words that no other text holds, in each place where a task can have them.
    List<Ending> endings =
        List.of(
            ask("the prompt says vermilion", null, null),
            ask("say nothing of it", null, null),
            ask("own system prompt", "you are ultramarine", null),
            ask("another system prompt", "you are an assistant", null),
            ask("own schema", null, SCHEMA),
            ask("the default again", null, null));

    assertThat(endings).extracting(Ending::outcome).hasOnlyElementsOfType(Outcome.Answered.class);
    List<Request> requests = claude.api.requests();
    assertThat(requests).hasSize(endings.size());
    assertOnlyIn(requests, "vermilion", 0);
    assertOnlyIn(requests, "ultramarine", 2);
    assertOnlyIn(requests, "crimson", 4);
    // The answers, which are part of a conversation, too.
    requests.forEach(
        it -> assertThat(it.body().path("messages").toString()).doesNotContain("the stub answers"));
  }

  @Test
  void eachCallIsBilledItsOwn() throws IOException {
    var costs = new ArrayList<BigDecimal>();
    for (int i = 1; i <= 8; i++) {
      Ending ending = ask("number " + "x".repeat(100 * i), null, null);
      costs.add(ending.usage().costUsd());
      assertThat(ending.usage().inputTokens()).isPositive();
    }

    provider.close();
    // A process counts up: its last figure is the sum of all its calls.
    List<JsonNode> sums = claude.lastResults();
    assertThat(sums).hasSizeLessThan(costs.size());
    assertThat(sum(costs))
        .isEqualByComparingTo(
            sum(sums.stream().map(it -> it.path("total_cost_usd").asDecimal()).toList()));
  }

  @Test
  void aTaskMayHaveAProcessOfItsOwn() throws IOException {
    ask("first", null, null);

    Ending ending = provider.make(call("second", null, null, Isolation.PROCESS));

    assertThat(ending.outcome()).isInstanceOf(Outcome.Answered.class);
    assertThat(claude.api.requests().getLast().text()).doesNotContain("/clear");
    provider.close();
    assertThat(claude.lastResults()).hasSize(2);
  }

  private static BigDecimal sum(List<BigDecimal> amounts) {
    return amounts.stream().reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  private static void assertOnlyIn(List<Request> requests, String word, int index) {
    for (int i = 0; i < requests.size(); i++) {
      assertThat(requests.get(i).text().contains(word))
          .as("request %d has %s", i, word)
          .isEqualTo(i == index);
    }
  }

  private Ending ask(String prompt, @Nullable String system, @Nullable JsonNode schema)
      throws IOException {
    return provider.make(call(prompt, system, schema, Isolation.CONVERSATION));
  }

  private Call call(
      String prompt, @Nullable String system, @Nullable JsonNode schema, Isolation isolation)
      throws IOException {
    return Examples.call(
        Examples.tier("haiku"),
        Purpose.TASK,
        prompt,
        system,
        schema,
        isolation,
        Files.createTempDirectory(folder, "call-"));
  }
}
