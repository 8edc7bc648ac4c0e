package dev.symbiont.dispatcher.provider.claude;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Watchdog;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Which process answers which call, with the simulated CLI, which says when it was not cleared.
class WarmPoolTest {

  private static final Path SIMULATED =
      Path.of(System.getProperty("symbiont.root", ".."), "ops/simulated-claude/claude")
          .toAbsolutePath();
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SOON = Duration.ofSeconds(15);
  private static final int MOST = 4;

  @TempDir Path folder;
  private Watchdog watchdog;
  private ChildProcess child;
  private Path truth;
  private ClaudeProvider provider;

  @BeforeEach
  void start() throws IOException {
    watchdog = new Watchdog(Files.createDirectory(folder.resolve("watched")));
    child = new ChildProcess(watchdog);
    truth = folder.resolve("truth.jsonl");
    provider = provider(SIMULATED, new WarmSettings(true, MOST, 100, LONG, LONG));
  }

  @AfterEach
  void stop() throws IOException {
    provider.close();
    assertThat(pids()).noneMatch(WarmPoolTest::isAlive);
    child.close();
    watchdog.close();
  }

  @Test
  void processesAnswerAgainAndHaveForgotten() throws IOException {
    for (int i = 0; i < 20; i++) {
      assertThat(text(ask("task " + i)))
          .isEqualTo("(simulated sonnet) A made-up answer to: task " + i);
    }

    assertThat(pids()).hasSize(20);
    // One is cleared while the next call is made: how many take turns is up to the machine.
    assertThat(pids().stream().distinct().count()).isLessThanOrEqualTo(10);
  }

  @Test
  void eachCallCostsWhatItWouldHaveCostAlone() throws IOException {
    List<String> prompts =
        IntStream.range(0, 10).mapToObj(i -> "task " + "x".repeat(97 * i)).toList();
    List<Ending> warm = prompts.stream().map(this::ask).toList();
    provider.close();
    provider = provider(SIMULATED, Examples.cold());

    List<Ending> cold = prompts.stream().map(this::ask).toList();

    for (int i = 0; i < prompts.size(); i++) {
      assertThat(warm.get(i).usage())
          .usingRecursiveComparison()
          .withComparatorForType(BigDecimal::compareTo, BigDecimal.class)
          .isEqualTo(cold.get(i).usage());
    }
    assertThat(warm).allMatch(it -> it.usage().costBasis() == CostBasis.CLI);
  }

  @Test
  void aLargePromptArrivesWhole() throws IOException {
    String prompt = "one \"line\"\nand another\u0001".repeat(20_000);

    assertThat(ask(prompt).outcome()).isInstanceOf(Outcome.Answered.class);
    assertThat(ask(prompt).outcome()).isInstanceOf(Outcome.Answered.class);

    byte[] hash = sha256(prompt);
    assertThat(begun())
        .extracting(it -> it.path("prompt_sha256").asString())
        .containsOnly(HexFormat.of().formatHex(hash));
  }

  @ParameterizedTest
  @ValueSource(strings = {"529", "limit", "schema-bad", "crash", "half", "garbage", "die"})
  void oneThatFailedIsNotAskedAgain(String kind) throws IOException {
    Ending failed = ask("[[sim:%s]]".formatted(kind));
    for (int i = 0; i < 5; i++) {
      assertThat(text(ask("after " + i))).doesNotContain("not cleared");
    }

    assertThat(failed.outcome()).isNotInstanceOf(Outcome.Answered.class);
    long first = pids().getFirst();
    assertThat(pids().stream().skip(1)).doesNotContain(first);
    await().atMost(SOON).until(() -> !isAlive(first));
  }

  @Test
  void anInterruptEndsTheProcessWithTheCall() throws Exception {
    var hanging = new FutureTask<>(() -> ask("[[sim:hang]]"));
    Thread thread = Thread.ofPlatform().start(hanging);
    await().atMost(SOON).until(() -> !pids().isEmpty());
    thread.interrupt();

    assertThat(hanging.get().outcome()).isInstanceOf(Outcome.Cancelled.class);
    assertThat(isAlive(pids().getFirst())).isFalse();
  }

  @Test
  void aTimeoutEndsTheProcessWithTheCall() throws IOException {
    Ending ending =
        provider.make(
            new Call(
                "task-1/call.1",
                Examples.tier("sonnet"),
                Purpose.TASK,
                "[[sim:hang]]",
                null,
                null,
                Isolation.CONVERSATION,
                () -> folder,
                Duration.ofSeconds(1),
                _ -> {}));

    assertThat(ending.outcome()).isInstanceOf(Outcome.TimedOut.class);
    assertThat(isAlive(pids().getFirst())).isFalse();
  }

  @Test
  void aCallMayHaveAProcessOfItsOwn() throws IOException {
    ask("shared");
    for (int i = 0; i < 3; i++) {
      provider.make(call("own " + i, null, null, Isolation.PROCESS));
    }

    assertThat(pids()).doesNotHaveDuplicates().hasSize(4);
  }

  @Test
  void systemPromptAndSchemaAreThoseOfTheTask() throws IOException {
    JsonNode schema =
        Codec.mapper()
            .readTree("{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}");

    Ending structured = provider.make(call("one", null, schema, Isolation.CONVERSATION));
    Ending own =
        provider.make(call("one", "a system prompt".repeat(9), null, Isolation.CONVERSATION));
    Ending plain = ask("one");

    assertThat(structured.outcome())
        .isInstanceOfSatisfying(
            Outcome.Answered.class, it -> assertThat(it.structured()).isNotNull());
    assertThat(own.usage().inputTokens()).isGreaterThan(plain.usage().inputTokens());
    assertThat(pids()).doesNotHaveDuplicates();
  }

  @Test
  void oneIsReplacedAfterSoManyCalls() throws IOException {
    provider.close();
    provider = provider(SIMULATED, new WarmSettings(true, MOST, 2, LONG, LONG));

    for (int i = 0; i < 12; i++) {
      ask("task " + i);
    }

    assertThat(pids().stream().distinct())
        .allSatisfy(
            pid -> assertThat(pids().stream().filter(pid::equals).count()).isLessThanOrEqualTo(2));
  }

  @Test
  void oneThatRestsLongIsEnded() throws IOException {
    provider.close();
    provider = provider(SIMULATED, new WarmSettings(true, MOST, 100, LONG, Duration.ofMillis(200)));

    ask("task");

    await().atMost(SOON).until(() -> children() == 0);
    assertThat(text(ask("another"))).contains("another");
  }

  @Test
  void thereAreNeverMoreThanTheMemoryCarries() {
    for (int i = 0; i < 10; i++) {
      provider.make(call("task", "system prompt " + i, null, Isolation.CONVERSATION));
    }

    await().atMost(SOON).until(() -> children() <= MOST);
  }

  @Test
  void oneThatDiedWhileItRestedIsNotAsked() throws Exception {
    ask("task");
    long pid = pids().getFirst();
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    await().atMost(SOON).until(() -> !isAlive(pid));

    assertThat(text(ask("another"))).contains("another");
  }

  /// Says that it has forgotten, but goes on in the same session.
  @Test
  void oneThatDoesNotForgetIsNotAskedAgain() throws IOException {
    provider.close();
    provider =
        provider(
            script(
                """
                while read -r line; do
                  case $line in
                    *initialize*) echo '{"type":"control_response","response":{"subtype":"success"}}' ;;
                    */clear*) echo '{"type":"result","is_error":false,"num_turns":0,"session_id":"s","total_cost_usd":1}' ;;
                    *) echo '{"type":"result","is_error":false,"num_turns":1,"session_id":"s","total_cost_usd":1,"result":"'$$'"}' ;;
                  esac
                done
                """),
            new WarmSettings(true, MOST, 100, LONG, LONG));

    assertThat(IntStream.range(0, 5).mapToObj(i -> text(ask("task " + i)))).doesNotHaveDuplicates();
  }

  @Test
  void aProgramThatTakesNoMessagesIsCalledAnewForEach() throws IOException {
    provider.close();
    provider =
        provider(
            script(
                """
                case "$*" in *--input-format*) echo unknown option >&2; exit 1 ;; esac
                cat >/dev/null
                echo '{"type":"result","is_error":false,"num_turns":1,"total_cost_usd":1,"result":"'$$'"}'
                """),
            new WarmSettings(true, MOST, 100, LONG, LONG));

    assertThat(IntStream.range(0, 3).mapToObj(i -> text(ask("task " + i)))).doesNotHaveDuplicates();
  }

  private Ending ask(String prompt) {
    return provider.make(call(prompt, null, null, Isolation.CONVERSATION));
  }

  private Call call(
      String prompt, @Nullable String system, @Nullable JsonNode schema, Isolation isolation) {
    return Examples.call(
        Examples.tier("sonnet"), Purpose.TASK, prompt, system, schema, isolation, folder);
  }

  private static String text(Ending ending) {
    assertThat(ending.outcome()).isInstanceOf(Outcome.Answered.class);
    return ((Outcome.Answered) ending.outcome()).text();
  }

  private ClaudeProvider provider(Path program, WarmSettings warm) {
    var variables =
        Map.of(
            "ANTHROPIC_API_KEY",
            "test-key",
            "SYMBIONT_SIMULATED_SECONDS",
            "0",
            "SYMBIONT_SIMULATED_TRUTH",
            truth.toString());
    return new ClaudeProvider(
        child, new ClaudeSettings(program, folder, variables, "Answer the task."), warm, folder);
  }

  private Path script(String text) throws IOException {
    Path program = Files.writeString(folder.resolve("claude"), "#!/bin/bash\n" + text);
    return Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /// The process of each call, in their order.
  private List<Long> pids() throws IOException {
    return begun().stream().map(it -> it.path("pid").asLong()).toList();
  }

  private List<JsonNode> begun() throws IOException {
    if (!Files.exists(truth)) {
      return List.of();
    }
    return Files.readAllLines(truth).stream()
        .map(Codec.mapper()::readTree)
        .filter(it -> it.path("event").asString().equals("begin"))
        .toList();
  }

  /// The CLI's processes that are there.
  private static long children() {
    return ProcessHandle.current()
        .descendants()
        .filter(it -> it.info().arguments().map(List::of).orElse(List.of()).contains("-p"))
        .count();
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
  }
}
