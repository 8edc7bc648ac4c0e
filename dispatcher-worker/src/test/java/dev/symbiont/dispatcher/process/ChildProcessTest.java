package dev.symbiont.dispatcher.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.symbiont.dispatcher.process.Exit.Stop;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildProcessTest {

  private static final Duration PATIENT = Duration.ofSeconds(30);
  private static final Duration HASTY = Duration.ofMillis(300);
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int RUNS = 200;
  private static final int SLACK = 3;
  private static final int MEGABYTE = 1024 * 1024;

  private final List<String> lines = Collections.synchronizedList(new ArrayList<>());

  @TempDir Path folder;
  private Watchdog watchdog;
  private ChildProcess child;

  @BeforeEach
  void start() throws IOException {
    watchdog = new Watchdog(Files.createDirectory(folder.resolve("watched")));
    child = new ChildProcess(watchdog);
  }

  @AfterEach
  void stop() throws IOException {
    child.close();
    watchdog.close();
  }

  @Test
  void aProgramSeesTheGivenVariablesAndNoOthers() throws IOException {
    run(Map.of("ONE", "1", "TWO", "a b=c"), "", PATIENT, "/usr/bin/env");

    assertThat(lines).containsExactlyInAnyOrder("ONE=1", "TWO=a b=c");
  }

  @Test
  void inputArrivesAndOutputComesLineByLine() throws IOException {
    Exit exit = run("first\n\nthird \u2028 ü\r\nno line end", PATIENT, "cat");

    assertThat(lines).containsExactly("first", "", "third \u2028 ü\r", "no line end");
    assertThat(exit).isEqualTo(new Exit(0, Stop.NOT_STOPPED, ""));
  }

  @Test
  void aProgramThatReadsNothingHoldsNobodyWhoEndsItsInput() throws IOException {
    var command = command(Map.of("PATH", "/usr/bin:/bin"), "", HASTY, "sleep", "600");
    try (Child idle = child.start(command, _ -> {})) {
      idle.write(new byte[MEGABYTE], false);

      assertTimeoutPreemptively(SOON, () -> idle.write(new byte[0], true));

      assertThat(idle.await(HASTY).stopped()).isEqualTo(Stop.TIMED_OUT);
    }
  }

  @Test
  void theExitCodeAndTheLastWordsAreKept() throws IOException {
    Exit exit = sh("echo so sorry >&2; exit 42");

    assertThat(exit).isEqualTo(new Exit(42, Stop.NOT_STOPPED, "so sorry"));
  }

  @Test
  void aSignalShowsInTheExitCode() throws IOException {
    assertThat(sh("kill -9 $$").code()).isEqualTo(137);
  }

  @Test
  void theProgramRunsInItsFolder() throws IOException {
    sh("pwd");

    assertThat(lines).containsExactly(folder.toRealPath().toString());
  }

  @Test
  void aLineIsKeptUpToItsLimitAndTheNextOneIsWhole() throws IOException {
    var lengths = new ArrayList<Integer>();
    var command =
        command(
            Map.of("PATH", "/usr/bin:/bin"),
            "",
            PATIENT,
            "sh",
            "-c",
            "head -c %d /dev/zero; echo; echo next"
                .formatted(ChildProcess.LONGEST_LINE + MEGABYTE));

    child.run(command, line -> lengths.add(line.length));

    assertThat(lengths).containsExactly(ChildProcess.LONGEST_LINE, 4);
  }

  @Test
  void aFloodOfErrorsLeavesItsEnd() throws IOException {
    Exit exit = sh("head -c %d /dev/zero >&2; echo the end >&2".formatted(64 * MEGABYTE));

    assertThat(exit.code()).isZero();
    assertThat(exit.stderr()).hasSizeLessThanOrEqualTo(16 * 1024).endsWith("the end");
  }

  @Test
  void aFloodOfOutputIsReadToItsEnd() throws IOException {
    var bytes = new AtomicLong();
    var command =
        command(
            Map.of("PATH", "/usr/bin:/bin"),
            "",
            PATIENT,
            "sh",
            "-c",
            "yes 0123456789012345678901234567890 | head -c " + 64 * MEGABYTE);

    child.run(command, line -> bytes.addAndGet(line.length + 1));

    assertThat(bytes).hasValue(64 * MEGABYTE);
  }

  @Test
  void aProgramThatIgnoresTheRequestToEndIsKilled() throws IOException {
    Instant begin = Instant.now();

    Exit exit = run("", HASTY, "sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done");

    assertThat(exit.stopped()).isEqualTo(Stop.TIMED_OUT);
    assertThat(exit.code()).isEqualTo(137);
    assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(5));
    assertThatGroupIsGone(lines.getFirst());
  }

  @Test
  void aProgramMaySaySomethingWhenItIsAskedToEnd() throws IOException {
    Exit exit =
        run("", HASTY, "sh", "-c", "trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done");

    assertThat(exit.stopped()).isEqualTo(Stop.TIMED_OUT);
    assertThat(exit.code()).isEqualTo(3);
    assertThat(lines).containsExactly("bye");
  }

  @Test
  void aGrandchildThatHoldsTheOutputDoesNotHoldUsUp() throws IOException {
    Instant begin = Instant.now();

    Exit exit = sh("sleep 600 & echo $$; echo $!; exit 5");

    assertThat(exit).isEqualTo(new Exit(5, Stop.NOT_STOPPED, ""));
    assertThat(lines).hasSize(2);
    assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(5));
    assertThatGroupIsGone(lines.getFirst());
    assertThatProcessEnds(lines.getLast());
  }

  @Test
  void aSilentGrandchildDiesWithTheProgram() throws IOException {
    sh("sleep 600 >/dev/null 2>&1 </dev/null & echo $!");

    assertThatProcessEnds(lines.getFirst());
  }

  @Test
  void anInterruptEndsTheProgramAndStaysWithTheThread() throws Exception {
    var interrupted =
        new FutureTask<>(
            () -> {
              Exit exit = run("", PATIENT, "sh", "-c", "echo $$; exec sleep 600");
              assertThat(exit.stopped()).isEqualTo(Stop.INTERRUPTED);
              return Thread.currentThread().isInterrupted();
            });
    Thread thread = Thread.ofPlatform().start(interrupted);
    await().atMost(SOON).until(() -> !lines.isEmpty());

    thread.interrupt();

    assertThat(interrupted.get(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThatGroupIsGone(lines.getFirst());
  }

  @Test
  void anInterruptedThreadStartsNothingThatLasts() throws IOException {
    Thread.currentThread().interrupt();

    Exit exit = run("", PATIENT, "sleep", "600");

    assertThat(Thread.interrupted()).isTrue();
    assertThat(exit.stopped()).isEqualTo(Stop.INTERRUPTED);
  }

  @Test
  void inputThatNobodyReadsIsNoTrouble() throws IOException {
    String prompt = "x".repeat(10 * MEGABYTE);

    Exit exit = run(prompt, PATIENT, "sh", "-c", "exec <&-; echo done");

    assertThat(exit.code()).isZero();
    assertThat(lines).containsExactly("done");
  }

  @Test
  void inputOfTenMegabytesArrives() throws IOException {
    run("x".repeat(10 * MEGABYTE), PATIENT, "wc", "-c");

    assertThat(lines).containsExactly(Integer.toString(10 * MEGABYTE));
  }

  /// The wrapper that makes the session finds out, so it is an exit code and no exception.
  @Test
  void aProgramThatIsNotThereIsAnExitCode() throws IOException {
    Exit exit = run("", PATIENT, "/no/such/program");

    assertThat(exit.code()).isEqualTo(127);
    assertThat(exit.stderr()).contains("/no/such/program", "No such file");
  }

  @Test
  void manyRunsLeaveNothingBehind() throws IOException {
    sh("true");
    long files = openFiles();
    long threads = pipeThreads();
    long children = children();

    for (int i = 0; i < RUNS; i++) {
      sh("sleep 600 >/dev/null 2>&1 & cat; echo $i >&2");
    }

    assertThat(openFiles()).isLessThanOrEqualTo(files + SLACK);
    assertThat(pipeThreads()).isLessThanOrEqualTo(threads + SLACK);
    await().atMost(SOON).until(() -> children() == children);
  }

  private Exit sh(String script) throws IOException {
    return run("", PATIENT, "sh", "-c", script);
  }

  private Exit run(String input, Duration timeout, String... arguments) throws IOException {
    return run(Map.of("PATH", "/usr/bin:/bin"), input, timeout, arguments);
  }

  private Exit run(
      Map<String, String> environment, String input, Duration timeout, String... arguments)
      throws IOException {
    return child.run(
        command(environment, input, timeout, arguments),
        line -> lines.add(new String(line, StandardCharsets.UTF_8)));
  }

  private Command command(
      Map<String, String> environment, String input, Duration timeout, String... arguments) {
    return new Command(List.of(arguments), environment, folder, input, timeout);
  }

  private static void assertThatGroupIsGone(String leader) {
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(new ProcessBuilder("pgrep", "-g", leader.strip()).start().waitFor())
                    .as("members of group " + leader)
                    .isEqualTo(1));
  }

  private static void assertThatProcessEnds(String pid) {
    await()
        .atMost(SOON)
        .until(
            () -> ProcessHandle.of(Long.parseLong(pid)).filter(ProcessHandle::isAlive).isEmpty());
  }

  private static long openFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }

  private static long children() {
    return ProcessHandle.current().descendants().count();
  }

  private static long pipeThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("pipe-"))
        .count();
  }
}
