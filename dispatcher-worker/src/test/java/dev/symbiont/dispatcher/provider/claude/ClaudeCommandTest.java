package dev.symbiont.dispatcher.provider.claude;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Watchdog;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What the CLI gets to see: arguments, variables, input and folder.
class ClaudeCommandTest {

  private static final String CREDENTIAL = "canary-93f1";
  private static final int LONGEST_ARGUMENT = 128 * 1024;

  @TempDir Path folder;
  private Watchdog watchdog;
  private ChildProcess child;
  private Path program;
  private Path work;

  /// What the program saw.
  private record Seen(
      List<String> argv, Map<String, String> env, String stdin, String cwd, List<String> files) {}

  @BeforeEach
  void start() throws IOException {
    watchdog = new Watchdog(Files.createDirectory(folder.resolve("watched")));
    child = new ChildProcess(watchdog);
    work = Files.createDirectory(folder.resolve("work"));
    program =
        Files.writeString(
            folder.resolve("claude"),
            """
            #!/usr/bin/python3 -ISXutf8
            import json, os, sys
            seen = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "files": os.listdir("."),
                    "stdin": sys.stdin.buffer.read().decode()}
            print(json.dumps({"type": "result", "is_error": False, "result": json.dumps(seen), "structured_output": {},
                    "total_cost_usd": 0}))
            """);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
  }

  @AfterEach
  void stop() throws IOException {
    child.close();
    watchdog.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--dangerously-skip-permissions",
        "$(touch canary)",
        "`touch canary`; touch canary",
        "a NUL \0 in the middle",
        "ANSI \u001b[31m, U+2028 \u2028, CRLF \r\n and a half line",
        "ünïcödé \uD83D\uDE00",
        " /cost",
      })
  void aPromptIsInputAndNothingElse(String prompt) {
    Seen seen = see(Purpose.TASK, prompt, null, null);

    assertThat(seen.stdin).isEqualTo(prompt);
    assertThat(seen.argv).doesNotContain(prompt);
    assertThat(folder).isDirectoryNotContaining("glob:**canary");
    assertThat(work).isEmptyDirectory();
  }

  @Test
  void aLineFeedKeepsASlashFromBeingACommand() {
    assertThat(see(Purpose.TASK, "/cost", null, null).stdin).isEqualTo("\n/cost");
  }

  @Test
  void theArgumentsTurnEverythingOffThatAnAnswerDoesNotNeed() {
    Seen seen = see(Purpose.TASK, "ping", null, null);

    assertThat(seen.argv)
        .containsExactly(
            "-p",
            "--model",
            "sonnet",
            "--output-format",
            "stream-json",
            "--verbose",
            "--tools",
            "",
            "--system-prompt",
            "Answer the task.",
            "--strict-mcp-config",
            "--setting-sources",
            "",
            "--no-session-persistence",
            "--include-partial-messages",
            "--disable-slash-commands");
  }

  @Test
  void aTaskBringsItsOwnSystemPromptAndSchema() {
    JsonNode schema = Codec.mapper().readTree("{\"type\":\"object\"}");

    Seen seen = see(Purpose.TASK, "ping", "--tools Bash", schema);

    assertThat(seen.argv).containsSubsequence("--system-prompt", "--tools Bash");
    assertThat(seen.argv).containsSubsequence("--json-schema", "{\"type\":\"object\"}");
  }

  @Test
  void theFolderIsTheCallsOwnAndEmpty() throws IOException {
    Seen seen = see(Purpose.TASK, "ping", null, null);

    assertThat(Path.of(seen.cwd)).isEqualTo(work.toRealPath());
    assertThat(seen.files).isEmpty();
  }

  @Test
  void aTaskSeesTheAllowListOnly() {
    Seen seen = see(Purpose.TASK, "ping", null, null);

    assertThat(withoutAttachments(seen)).isEqualTo(allowList());
  }

  @Test
  void aClassificationMayNotThinkNorSayMuch() {
    Seen seen = see(Purpose.CLASSIFICATION, "ping", null, null);

    var expected = new HashMap<>(allowList());
    expected.put("MAX_THINKING_TOKENS", "0");
    expected.put("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "512");
    assertThat(withoutAttachments(seen)).isEqualTo(expected);
  }

  @Test
  void attachmentsAreOff() {
    Seen seen = see(Purpose.TASK, "ping", null, null);

    assertThat(seen.env).containsEntry("CLAUDE_CODE_DISABLE_ATTACHMENTS", "1");
  }

  @Test
  void credentialsAreNeverPrinted() {
    assertThat(settings(program))
        .asString()
        .contains("ANTHROPIC_API_KEY")
        .doesNotContain(CREDENTIAL);
  }

  @Test
  void aSystemPromptThatNoArgumentCanHoldIsRefused() {
    Ending withNul = make(program, "nul \0 byte", null);
    Ending tooLong = make(program, "x".repeat(LONGEST_ARGUMENT), null);

    assertThat(withNul.outcome())
        .isInstanceOfSatisfying(
            Outcome.Refused.class, it -> assertThat(it.refusal()).isEqualTo(Refusal.BAD_REQUEST));
    assertThat(tooLong.outcome())
        .isInstanceOfSatisfying(
            Outcome.Refused.class, it -> assertThat(it.refusal()).isEqualTo(Refusal.TOO_LARGE));
  }

  @Test
  void aSystemPromptOfAHundredKilobytesArrives() {
    Seen seen = see(Purpose.TASK, "ping", "x".repeat(100_000), null);

    assertThat(seen.argv).contains("x".repeat(100_000));
  }

  @Test
  void aProgramThatIsNotThereCostsNothing() {
    Ending ending = make(folder.resolve("no-claude"), null, null);

    assertThat(ending.usage()).isEqualTo(Usage.NONE);
  }

  @Test
  void aProgramThatEndsWithoutAWordKeepsItsReservation() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken"), "#!/bin/sh\nexit 9\n");
    Files.setPosixFilePermissions(broken, PosixFilePermissions.fromString("rwx------"));

    Ending ending = make(broken, null, null);

    assertThat(ending.usage().costBasis()).isEqualTo(CostBasis.UNKNOWN);
    assertThat(ending.usage().costUsd()).isEqualTo(Examples.RESERVED);
  }

  /// [#attachmentsAreOff()] looks at that one.
  private static Map<String, String> withoutAttachments(Seen seen) {
    var env = new HashMap<>(seen.env);
    env.remove("CLAUDE_CODE_DISABLE_ATTACHMENTS");
    return env;
  }

  private Map<String, String> allowList() {
    var expected = new HashMap<String, String>();
    expected.put("ANTHROPIC_API_KEY", CREDENTIAL);
    expected.put("HOME", folder.toString());
    expected.put("PATH", "/usr/local/bin:/usr/bin:/bin");
    expected.put("LANG", "C.UTF-8");
    expected.put("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    expected.put("DISABLE_AUTOUPDATER", "1");
    expected.put("DISABLE_TELEMETRY", "1");
    expected.put("DISABLE_ERROR_REPORTING", "1");
    expected.put("CLAUDE_CODE_MAX_RETRIES", "0");
    expected.put("MAX_STRUCTURED_OUTPUT_RETRIES", "1");
    expected.put("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1");
    return expected;
  }

  private Seen see(
      Purpose purpose, String prompt, @Nullable String system, @Nullable JsonNode schema) {
    Call call = Examples.call(Examples.tier("sonnet"), purpose, prompt, system, schema, work);
    Ending ending = new ClaudeProvider(child, settings(program), Examples.cold(), work).make(call);
    assertThat(ending.outcome()).isInstanceOf(Outcome.Answered.class);
    var answered = (Outcome.Answered) ending.outcome();
    return Codec.mapper().readValue(answered.text(), Seen.class);
  }

  private Ending make(Path cli, @Nullable String system, @Nullable JsonNode schema) {
    Call call = Examples.call(Examples.tier("sonnet"), Purpose.TASK, "ping", system, schema, work);
    return new ClaudeProvider(child, settings(cli), Examples.cold(), work).make(call);
  }

  private ClaudeSettings settings(Path cli) {
    return new ClaudeSettings(
        cli, folder, Map.of("ANTHROPIC_API_KEY", CREDENTIAL), "Answer the task.");
  }
}
