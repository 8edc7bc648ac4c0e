package dev.symbiont.dispatcher.provider.claude;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.process.Exit;
import dev.symbiont.dispatcher.process.Exit.Stop;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/// The CLI's exact output, as recorded, and what it means.
class TranscriptTest {

  private static final String SONNET = "claude-sonnet-5";
  private static final String INVOICE = "{\"label\":\"invoice\",\"confidence\":0.97}";
  private static final String RATE =
      "This request would exceed your organization's rate limit of 50 requests per minute.";
  private static final String BUSY =
      "This is a server-side issue, usually temporary — try again in a moment. If it persists, check your inference gateway (127.0.0.1:18080).";
  private static final String HELP =
      " (run './symbiont login', or set ANTHROPIC_API_KEY for the dispatcher)";
  private static final String LIMIT = "You've hit your session limit · resets 10:44am (UTC)";

  private final Call call = Examples.call(Examples.tier("sonnet"), "prompt", Path.of("."));

  /// A recorded call.
  ///
  /// @param file its output
  record Row(String file, int exitCode, Outcome outcome, Usage usage) {}

  static Stream<Row> answers() {
    return Stream.of(
        row("01-default-json.json", 0, answered(INVOICE), 1895, 11, "0.107025", SONNET, 26980),
        row("43-ok-oauth-stream.json", 0, answered(INVOICE), 314, 11, "0.001107", SONNET, 0),
        row("44-warn-oauth-stream.json", 0, answered(INVOICE), 324, 11, "0.001137", SONNET, 0),
        row("111-warm-turn.jsonl", 0, answered(INVOICE), 304, 11, "0.001077", SONNET, 0),
        row("140-retry-then-ok-stream.json", 0, answered(INVOICE), 305, 11, "0.00108", SONNET, 0),
        row("142-stream-partial.json", 0, answered(INVOICE), 305, 11, "0.00108", SONNET, 0),
        // The usage field is all zero here; the charge is in modelUsage.
        row(
            "34-drop-midstream-stream.json",
            0,
            answered("OK 13 chars"),
            308,
            3,
            "0.000969",
            SONNET,
            0),
        row(
            "50-fallback-500-stream.json",
            0,
            answered(INVOICE),
            304,
            11,
            "0.000359",
            "claude-haiku-4-5-20251001",
            0));
  }

  static Stream<Row> failures() {
    return Stream.of(
        unpaid(
            "10-429-ra60-json.json", limited("API Error: Request rejected (429) · " + RATE), null),
        unpaid(
            "12-429-ra61-json.json", limited("API Error: Request rejected (429) · " + RATE), null),
        // Without the stream there is no machine-readable reset time.
        unpaid("41-429-unified-oauth-json.json", limited(LIMIT), null),
        unpaid(
            "42-429-unified-oauth-stream.json",
            new Outcome.Limited(Instant.ofEpochSecond(1795344297), "resets_at", LIMIT),
            SONNET),
        unpaid(
            "49-429-plain-oauth-stream.json",
            limited(
                "API Error: Server is temporarily limiting requests (not your usage limit) · "
                    + RATE),
            SONNET),
        unpaid(
            "14-529-json.json", new Outcome.Overloaded("API Error: 529 Overloaded. " + BUSY), null),
        unpaid(
            "17-529-stream.json",
            new Outcome.Overloaded("API Error: 529 Overloaded. " + BUSY),
            SONNET),
        unpaid(
            "15-500-json.json",
            new Outcome.Overloaded("API Error: 500 Internal server error. " + BUSY),
            null),
        unpaid(
            "18-refused-json.json",
            new Outcome.Overloaded("API Error: Unable to connect to API (ConnectionRefused)"),
            null),
        unpaid(
            "38-drop-midstream-nofallback-json.json",
            new Outcome.Overloaded(
                "API Error: Connection to the API was lost (ECONNRESET). This is usually temporary — try again."),
            null),
        unpaid(
            "20-401-json.json",
            new Outcome.Unauthenticated("Invalid API key · Fix external API key" + HELP),
            null),
        unpaid(
            "54-401-oauth-json.json",
            new Outcome.Unauthenticated("Not logged in · Please run /login" + HELP),
            SONNET),
        unpaid(
            "100-noauth.json",
            new Outcome.Unauthenticated("Not logged in · Please run /login" + HELP),
            null),
        unpaid(
            "22-400-json.json",
            new Outcome.Refused(Refusal.BAD_REQUEST, "API Error: 400 stub: invalid request"),
            null),
        unpaid(
            "23-unknown-model-json.json",
            new Outcome.Refused(
                Refusal.UNKNOWN_MODEL,
                "There's an issue with the selected model (nosuch-model). It may not exist or you may not have access to it. Run --model to pick a different model."),
            null),
        unpaid(
            "60-big-1m-json.json",
            new Outcome.Refused(Refusal.TOO_LARGE, "Prompt is too long"),
            null),
        // Exit code 0 of an interrupted CLI is no success.
        new Row(
            "72-sigint-json.json",
            0,
            new Outcome.Crashed(
                0,
                "[\"[ede_diagnostic] result_type=user last_content_type=n/a stop_reason=null\"]"),
            paid(0, 0, "0", null, 0)),
        row(
            "87-schema-always-bad.json",
            1,
            new Outcome.Unreadable("the model's answer did not obey the JSON schema"),
            2332,
            12,
            "0.007175999999999998",
            SONNET,
            0),
        row(
            "90-budget-small.json",
            1,
            new Outcome.Crashed(1, "[\"Reached maximum budget ($0.0001)\"]"),
            323,
            11,
            "0.001134",
            SONNET,
            0));
  }

  @ParameterizedTest
  @MethodSource({"answers", "failures"})
  void aRecordedCallEndsAsTheTableSays(Row row) {
    Ending ending = judge(call, new Exit(row.exitCode, Stop.NOT_STOPPED, ""), lines(row.file));

    assertThat(ending).isEqualTo(new Ending(row.outcome, row.usage, false, ending.warning()));
    assertThat(ending.warning() != null).isEqualTo(row.file.contains("-warn-"));
  }

  @Test
  void aWordOnALimitThatComesNearIsHandedOn() {
    Ending ending =
        judge(call, new Exit(0, Stop.NOT_STOPPED, ""), lines("44-warn-oauth-stream.json"));

    assertThat(ending.warning())
        .isEqualTo(
            new CallEnded.LimitWarning(new BigDecimal("0.93"), Instant.ofEpochSecond(1795340726)));
  }

  @Test
  void anEmptyPromptIsKnownByItsWordsOnStderr() {
    var exit = new Exit(1, Stop.NOT_STOPPED, text("24-empty-prompt-json.stderr").strip());

    Ending ending = judge(call, exit, lines("24-empty-prompt-json.json"));

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.Refused(Refusal.BAD_REQUEST, "the prompt is empty"));
  }

  @Test
  void anEmptyPromptCostsNothing() {
    var exit = new Exit(1, Stop.NOT_STOPPED, text("24-empty-prompt-json.stderr").strip());

    Ending ending = judge(call, exit, lines("24-empty-prompt-json.json"));

    assertThat(ending.usage()).isEqualTo(Usage.NONE);
  }

  @ParameterizedTest
  @MethodSource("structured")
  void structuredOutputIsHandedOn(String file) {
    Ending ending = judge(withSchema(), new Exit(0, Stop.NOT_STOPPED, ""), lines(file));

    assertThat(ending.outcome())
        .isEqualTo(
            new Outcome.Answered(
                "{\"label\":\"password\",\"confidence\":0}",
                Codec.mapper().readTree("{\"label\":\"password\",\"confidence\":0}"),
                false));
    assertThat(ending.usage()).isEqualTo(paid(422, 8, "0.001386", SONNET, 0));
  }

  static Stream<String> structured() {
    return Stream.of("80-schema-json.json", "81-schema-stream.json");
  }

  @Test
  void aModelThatNeverUsesTheSchemaIsUnreadableAndPaid() {
    Ending ending =
        judge(withSchema(), new Exit(0, Stop.NOT_STOPPED, ""), lines("88-schema-always-text.json"));

    assertThat(ending.outcome())
        .isEqualTo(
            new Outcome.Unreadable("the model did not answer with the JSON that was asked for"));
    assertThat(ending.usage()).isEqualTo(paid(911, 14, "0.002943", SONNET, 0));
  }

  @Test
  void anEndBySignalNamesTheSignal() {
    Ending ending = judge(call, new Exit(137, Stop.NOT_STOPPED, ""), Stream.of());

    assertThat(ending.outcome()).isEqualTo(new Outcome.Crashed(137, "signal 9 ended the program"));
    assertThat(ending.usage().costBasis()).isEqualTo(CostBasis.UNKNOWN);
    assertThat(ending.usage().costUsd()).isEqualTo(Examples.RESERVED);
  }

  @Test
  void wordsOnStderrAreKept() {
    Ending ending = judge(call, new Exit(3, Stop.NOT_STOPPED, "out of\nmemory"), Stream.of());

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.Crashed(3, "the program ended with exit code 3: out of memory"));
  }

  @Test
  void noResultIsUnreadableHoweverCalmTheEnd() {
    Ending ending =
        judge(
            call,
            new Exit(0, Stop.NOT_STOPPED, ""),
            Stream.of("", "not JSON", "{\"type\":", "[1]"));

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.Unreadable("the program ended without a result"));
  }

  @Test
  void aCallThatWeEndedIsPricedFromWhatItStreamed() {
    Stream<String> begun =
        lines("43-ok-oauth-stream.json").filter(line -> !line.contains("\"type\":\"result\""));

    Ending ending = judge(call, new Exit(143, Stop.TIMED_OUT, ""), begun);

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.TimedOut("the call took longer than 30 s and was ended"));
    // 314 tokens in at $3 and 1 out at $15 per million.
    assertThat(ending.usage())
        .isEqualTo(
            new Usage(314, 1, 0, 0, new BigDecimal("0.000957"), CostBasis.ESTIMATED, SONNET));
  }

  @Test
  void aMessageOfTwoBlocksIsPricedOnce() {
    String block =
        """
        {"type":"assistant","message":{"id":"msg_1","usage":{"input_tokens":1000,"output_tokens":1}}}""";

    Ending ending = judge(call, new Exit(143, Stop.TIMED_OUT, ""), Stream.of(block, block));

    assertThat(ending.usage().inputTokens()).isEqualTo(1000);
  }

  @Test
  void anInterruptedCallIsCancelledAndKeepsItsReservation() {
    Ending ending = judge(call, new Exit(143, Stop.INTERRUPTED, ""), Stream.of());

    assertThat(ending.outcome())
        .isEqualTo(new Outcome.Cancelled("the worker was stopped during the call"));
    assertThat(ending.usage())
        .isEqualTo(new Usage(0, 0, 0, 0, Examples.RESERVED, CostBasis.UNKNOWN, null));
  }

  @Test
  void anyEventMayConfessThatItIsSimulated() {
    Ending ending =
        judge(
            call,
            new Exit(0, Stop.NOT_STOPPED, ""),
            Stream.of(
                "{\"type\":\"system\",\"simulated\":true}",
                "{\"type\":\"result\",\"result\":\"x\"}"));

    assertThat(ending.simulated()).isTrue();
  }

  private Call withSchema() {
    JsonNode schema = Codec.mapper().readTree("{\"type\":\"object\"}");
    return Examples.call(call.tier(), Purpose.TASK, "prompt", null, schema, Path.of("."));
  }

  private static Ending judge(Call call, Exit exit, Stream<String> lines) {
    var transcript = new Transcript(null, _ -> {});
    lines.forEach(
        line ->
            Transcript.event(line.getBytes(StandardCharsets.UTF_8)).ifPresent(transcript::read));
    return transcript.judge(exit, call);
  }

  private static Outcome answered(String text) {
    return new Outcome.Answered(text, null, false);
  }

  private static Outcome limited(String message) {
    return new Outcome.Limited(null, "unknown", message);
  }

  private static Row unpaid(String file, Outcome outcome, @Nullable String model) {
    return new Row(file, 1, outcome, paid(0, 0, "0", model, 0));
  }

  private static Row row(
      String file,
      int exitCode,
      Outcome outcome,
      long in,
      long out,
      String cost,
      String model,
      long cacheWrite) {
    return new Row(file, exitCode, outcome, paid(in, out, cost, model, cacheWrite));
  }

  private static Usage paid(
      long in, long out, String cost, @Nullable String model, long cacheWrite) {
    return new Usage(in, out, 0, cacheWrite, new BigDecimal(cost), CostBasis.CLI, model);
  }

  private static Stream<String> lines(String file) {
    return text(file).lines();
  }

  private static String text(String file) {
    try (InputStream in = TranscriptTest.class.getResourceAsStream("/claude/" + file)) {
      return new String(Objects.requireNonNull(in, file).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
