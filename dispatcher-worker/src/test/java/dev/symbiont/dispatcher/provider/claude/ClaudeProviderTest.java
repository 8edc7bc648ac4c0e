package dev.symbiont.dispatcher.provider.claude;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Watchdog;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// The provider in front of the simulated CLI, which can be told to fail in every known way.
class ClaudeProviderTest {

  private static final Path SIMULATED =
      Path.of(System.getProperty("symbiont.root", ".."), "ops/simulated-claude/claude")
          .toAbsolutePath();
  private static final JsonNode SCHEMA =
      Codec.mapper()
          .readTree("{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}");

  @TempDir Path folder;
  private Watchdog watchdog;
  private ChildProcess child;
  private Path work;

  @BeforeEach
  void start() throws IOException {
    watchdog = new Watchdog(Files.createDirectory(folder.resolve("watched")));
    child = new ChildProcess(watchdog);
    work = Files.createDirectory(folder.resolve("work"));
  }

  @AfterEach
  void stop() throws IOException {
    child.close();
    watchdog.close();
  }

  @Test
  void anAnswerSaysThatItIsSimulated() {
    Ending ending = ask("[[sim:ok say=Paris]]");

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.Answered("(simulated sonnet) Paris", null, false));
    assertThat(ending.simulated()).isTrue();
    assertThat(ending.usage().costBasis()).isEqualTo(CostBasis.CLI);
    assertThat(ending.usage().costUsd()).isGreaterThan(BigDecimal.ZERO);
    assertThat(ending.usage().resolvedModel()).isEqualTo("claude-sonnet-5");
  }

  @ParameterizedTest
  @ValueSource(strings = {"warn", "flood-out mb=8", "flood-err mb=8", "ok delay=0.3"})
  void anAnswerIsAnAnswerWhateverComesWithIt(String kind) {
    Ending ending = ask("[[sim:" + kind + "]]");

    assertThat(ending.outcome()).isInstanceOf(Outcome.Answered.class);
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          429,      limited,         429
          529,      overloaded,      529
          500,      overloaded,      500
          503,      overloaded,      503
          refused,  overloaded,      Unable to connect
          dropped,  overloaded,      was lost
          401,      unauthenticated, symbiont login
          noauth,   unauthenticated, symbiont login
          400,      refused,         400
          403,      refused,         403
          too-long, refused,         too long
          budget,   crashed,         maximum budget
          die,      crashed,         signal 9
          crash rc=3, crashed,       exit code 3: simulated crash
          empty,    unreadable,      without a result
          garbage,  unreadable,      without a result
          half,     unreadable,      without a result
          """)
  void eachFaultHasItsOutcomeAndSaysWhy(String kind, String outcome, String words) {
    Ending ending = ask("[[sim:" + kind + "]]");

    assertThat(ending.outcome().kind()).isEqualTo(outcome);
    assertThat(ending.outcome().message()).contains(words);
  }

  @ParameterizedTest
  @ValueSource(strings = {"schema-bad", "schema-missing"})
  void anAnswerThatDoesNotFollowTheSchemaIsUnreadableAndPaid(String kind) {
    Ending ending = ask("[[sim:" + kind + "]]", null, SCHEMA);

    assertThat(ending.outcome()).isInstanceOf(Outcome.Unreadable.class);
    assertThat(ending.usage().costUsd()).isGreaterThan(BigDecimal.ZERO);
  }

  @Test
  void anAnswerThatFollowsTheSchemaIsStructured() {
    Ending ending = ask("a name, please", null, SCHEMA);

    assertThat(ending.outcome())
        .isInstanceOfSatisfying(
            Outcome.Answered.class,
            it ->
                assertThat(Objects.requireNonNull(it.structured()).path("name").asString())
                    .isEqualTo("simulated"));
  }

  @Test
  void aUsedUpSubscriptionSaysWhenItOpensAgain() {
    Ending ending = ask("[[sim:limit reset-in=7200]]");

    assertThat(ending.outcome())
        .isInstanceOfSatisfying(
            Outcome.Limited.class,
            limited ->
                assertThat(limited.until())
                    .isCloseTo(Instant.now().plusSeconds(7200), within(60, ChronoUnit.SECONDS)));
    assertThat(ending.usage().costUsd()).isZero();
  }

  @Test
  void anUnknownModelIsRefusedByName() {
    Call call = Examples.call(Examples.tier("no-such-model"), "ping", work);

    Ending ending = provider(SIMULATED).make(call);

    assertThat(ending.outcome())
        .isInstanceOfSatisfying(
            Outcome.Refused.class,
            refused -> assertThat(refused.refusal()).isEqualTo(Refusal.UNKNOWN_MODEL));
    assertThat(ending.outcome().message()).contains("no-such-model");
  }

  @Test
  void anEmptyPromptIsRefused() {
    assertThat(ask("").outcome())
        .isEqualTo(new Outcome.Refused(Refusal.BAD_REQUEST, "the prompt is empty"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"hang", "stubborn"})
  void aCallThatNeverEndsIsEndedAndKeepsItsReservation(String kind) {
    var tier = Examples.tier("sonnet", Duration.ofSeconds(1), List.of());

    Ending ending = provider(SIMULATED).make(Examples.call(tier, "[[sim:" + kind + "]]", work));

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.TimedOut("the call took longer than 1 s and was ended"));
    assertThat(ending.usage().costUsd()).isEqualTo(Examples.RESERVED);
    assertThat(ending.usage().costBasis()).isEqualTo(CostBasis.UNKNOWN);
    assertThat(ending.simulated()).isTrue();
  }

  @Test
  void aGrandchildThatHoldsTheOutputDiesWithTheCall() throws IOException {
    Ending ending = ask("[[sim:grandchild seconds=599.25]]");

    assertThat(ending.outcome()).isInstanceOf(Outcome.Answered.class);
    assertThat(ProcessHandle.allProcesses().map(it -> it.info().commandLine().orElse("")))
        .noneMatch(line -> line.contains("599.25"));
  }

  @Test
  void aProgramThatIsNotThereIsACrashThatNamesIt() {
    Path missing = folder.resolve("no-claude");

    Ending ending = provider(missing).make(Examples.call(Examples.tier("sonnet"), "ping", work));

    assertThat(ending.outcome()).isInstanceOf(Outcome.Crashed.class);
    assertThat(ending.outcome().message()).contains(missing.getFileName().toString());
  }

  private Ending ask(String prompt) {
    return ask(prompt, null, null);
  }

  private Ending ask(String prompt, @Nullable String system, @Nullable JsonNode schema) {
    var tier = Examples.tier("sonnet");
    return provider(SIMULATED)
        .make(Examples.call(tier, Purpose.TASK, prompt, system, schema, work));
  }

  private ClaudeProvider provider(Path program) {
    var variables = Map.of("ANTHROPIC_API_KEY", "test-key", "SYMBIONT_SIMULATED_SECONDS", "0");
    return new ClaudeProvider(
        child,
        new ClaudeSettings(program, folder, variables, "Answer the task."),
        Examples.cold(),
        work);
  }
}
