package dev.symbiont.dispatcher.provider.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Watchdog;
import dev.symbiont.dispatcher.provider.Ending;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
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

class ExecProviderTest {

  private static final Duration PATIENT = Duration.ofSeconds(30);
  private static final Usage KEPT =
      new Usage(0, 0, 0, 0, Examples.RESERVED, CostBasis.UNKNOWN, null);

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
  void aResultIsAnAnswerThatCostsWhatTheTierCharges() {
    Ending ending =
        sh("echo '{\"result\": \"Paris\", \"input_tokens\": 1000, \"output_tokens\": 100}'");

    assertThat(ending)
        .isEqualTo(
            new Ending(
                new Outcome.Answered("Paris", null, false),
                new Usage(1000, 100, 0, 0, new BigDecimal("0.0045"), CostBasis.PRICES, "local"),
                false));
  }

  @Test
  void aProgramMayNameCostAndModelItself() {
    Ending ending =
        sh(
            """
            echo '{"result": "Paris", "cost_usd": 0.00300000000000000001, "model": "big-1", "simulated": true}'""");

    assertThat(ending.usage())
        .isEqualTo(
            new Usage(
                0, 0, 0, 0, new BigDecimal("0.00300000000000000001"), CostBasis.CLI, "big-1"));
    assertThat(ending.simulated()).isTrue();
  }

  @Test
  void outputMayHaveManyLines() {
    Ending ending = sh("printf '{\\n  \"result\":\\n  \"Paris\"\\n}\\n'");

    assertThat(ending.outcome()).isEqualTo(new Outcome.Answered("Paris", null, false));
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          65, refused,         so sorry
          69, overloaded,      so sorry
          75, limited,         so sorry
          77, unauthenticated, so sorry
          """)
  void anAgreedExitCodeHasItsOutcomeAndCostsNothing(int code, String outcome, String message) {
    Ending ending = sh("echo so sorry >&2; exit " + code);

    assertThat(ending.outcome().kind()).isEqualTo(outcome);
    assertThat(ending.outcome().message()).isEqualTo(message);
    assertThat(ending.usage()).isEqualTo(Usage.NONE);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 64, 143})
  void anyOtherExitCodeIsACrashThatKeepsItsReservation(int code) {
    Ending ending = sh("echo so sorry >&2; exit " + code);

    assertThat(ending)
        .isEqualTo(
            new Ending(
                new Outcome.Crashed(
                    code, "the program ended with exit code " + code + ": so sorry"),
                KEPT,
                false));
  }

  @Test
  void aLimitMaySayWhenItEnds() {
    Ending ending = sh("echo '{\"limited_until\": \"2026-01-01T00:00:00Z\"}'; exit 75");

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.Limited(Instant.parse("2026-01-01T00:00:00Z"), "limited_until", ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"echo tomorrow", "echo '{\"limited_until\": \"tomorrow\"}'", ":"})
  void aLimitWithoutAReadableTimeIsALimit(String script) {
    Ending ending = sh(script + "; exit 75");

    assertThat(ending.outcome()).isEqualTo(new Outcome.Limited(null, "unknown", ""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ":",
        "echo not JSON",
        "echo '[]'",
        "echo '{}'",
        "echo '{\"result\": 1}'",
        "echo '{\"result\": \"cut o'",
        "printf '\\377\\376'",
      })
  void anythingElseOnStdoutIsUnreadable(String script) {
    Ending ending = sh(script);

    assertThat(ending.outcome()).isInstanceOf(Outcome.Unreadable.class);
    assertThat(ending.usage()).isEqualTo(KEPT);
  }

  @Test
  void twoObjectsAreUnreadable() {
    Ending ending = sh("echo '{\"result\": \"a\"}{\"result\": \"b\"}'");

    assertThat(ending.outcome()).isInstanceOf(Outcome.Unreadable.class);
  }

  @Test
  void structuredOutputIsHandedOn() {
    JsonNode schema = Codec.mapper().readTree("{\"type\":\"object\"}");

    Ending ending = run("echo '{\"result\":\"x\",\"structured_output\":{\"a\":1}}'", schema);

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.Answered("x", Codec.mapper().readTree("{\"a\":1}"), false));
  }

  @Test
  void structuredOutputThatIsMissingIsUnreadableAndPaid() {
    JsonNode schema = Codec.mapper().readTree("{\"type\":\"object\"}");

    Ending ending = run("echo '{\"result\":\"x\",\"cost_usd\":0.5}'", schema);

    assertThat(ending.outcome()).isInstanceOf(Outcome.Unreadable.class);
    assertThat(ending.usage().costUsd()).isEqualByComparingTo("0.5");
  }

  @Test
  void anAnswerThatIsTooLongIsCutAndSaysSo() {
    Ending ending =
        sh(
            "printf '{\"result\":\"'; head -c %d /dev/zero | tr '\\0' x; echo '\"}'"
                .formatted(Result.MAX_BYTES + 1));

    assertThat(ending.outcome())
        .isInstanceOfSatisfying(
            Outcome.Answered.class,
            answered -> {
              assertThat(answered.text()).hasSize(Result.MAX_BYTES);
              assertThat(answered.truncated()).isTrue();
            });
  }

  @Test
  void aCallThatTakesTooLongIsEnded() {
    Ending ending = make(Examples.execTier(Duration.ofSeconds(1), "sleep", "600"), "hi", null);

    assertThat(ending)
        .isEqualTo(
            new Ending(
                new Outcome.TimedOut("the call took longer than 1 s and was ended"), KEPT, false));
  }

  @Test
  void theTemplateIsFilledInArgumentByArgument() {
    Tier tier =
        Examples.execTier(
            PATIENT, "python3", "-c", ECHO, "--model={model}", "{model}", "{system}", "{schema}");

    Ending ending =
        new ExecProvider(child)
            .make(
                Examples.call(
                    tier,
                    Purpose.TASK,
                    "$(touch canary)",
                    "{model} \"; touch canary",
                    Codec.mapper().readTree("{\"a\":\"{model}\"}"),
                    work));

    JsonNode seen = seen(ending);
    assertThat(seen.path("argv").values().stream().map(JsonNode::asString))
        .containsExactly(
            "--model={model}", "local", "{model} \"; touch canary", "{\"a\":\"{model}\"}");
    assertThat(seen.path("stdin").asString()).isEqualTo("$(touch canary)");
    assertThat(work).isEmptyDirectory();
  }

  @Test
  void theProgramSeesTheAllowListOnly() {
    JsonNode seen = seen(make(Examples.execTier(PATIENT, "python3", "-c", ECHO), "hi", null));

    assertThat(seen.path("env").propertyNames()).containsExactlyInAnyOrder("PATH", "HOME", "LANG");
    assertThat(seen.path("env").path("HOME").asString()).isEqualTo(work.toString());
  }

  @Test
  void aProgramThatIsNotThereIsACrashThatNamesIt() {
    Ending ending = make(Examples.execTier(PATIENT, "/no/such/program"), "hi", null);

    assertThat(ending.outcome())
        .isInstanceOfSatisfying(
            Outcome.Crashed.class, it -> assertThat(it.exitCode()).isEqualTo(127));
    assertThat(ending.outcome().message()).contains("/no/such/program");
  }

  @Test
  void aProgramThatIsNotThereCostsNothing() {
    Ending ending = make(Examples.execTier(PATIENT, "/no/such/program"), "hi", null);

    assertThat(ending.usage()).isEqualTo(Usage.NONE);
  }

  @Test
  void aSystemPromptThatNoArgumentCanHoldIsRefused() {
    Tier tier = Examples.execTier(PATIENT, "true", "{system}");

    Ending ending =
        new ExecProvider(child)
            .make(Examples.call(tier, Purpose.TASK, "hi", "nul \0 byte", null, work));

    assertThat(ending.outcome())
        .isInstanceOfSatisfying(
            Outcome.Refused.class, it -> assertThat(it.refusal()).isEqualTo(Refusal.BAD_REQUEST));
  }

  /// A program that answers with what it saw.
  private static final String ECHO =
      """
      import json, os, sys
      seen = {"argv": sys.argv[1:], "env": dict(os.environ), "stdin": sys.stdin.read()}
      print(json.dumps({"result": "seen", "structured_output": seen}))
      """;

  private static JsonNode seen(Ending ending) {
    assertThat(ending.outcome()).isInstanceOf(Outcome.Answered.class);
    return Objects.requireNonNull(((Outcome.Answered) ending.outcome()).structured());
  }

  private Ending sh(String script) {
    return run(script, null);
  }

  private Ending run(String script, @Nullable JsonNode schema) {
    return make(Examples.execTier(PATIENT, "sh", "-c", script), "hi", schema);
  }

  private Ending make(Tier tier, String prompt, @Nullable JsonNode schema) {
    return new ExecProvider(child)
        .make(Examples.call(tier, Purpose.TASK, prompt, null, schema, work));
  }
}
