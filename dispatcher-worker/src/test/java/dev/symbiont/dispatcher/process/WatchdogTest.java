package dev.symbiont.dispatcher.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchdogTest {

  private static final Duration SOON = Duration.ofSeconds(10);

  private final List<ProcessHandle> started = new ArrayList<>();

  @TempDir Path folder;

  @AfterEach
  void endWhatATestLeaves() {
    started.stream().flatMap(ProcessHandle::descendants).forEach(ProcessHandle::destroyForcibly);
    started.forEach(ProcessHandle::destroyForcibly);
  }

  @Test
  void whatIsStillWatchedAtTheEndIsKilled() throws IOException {
    Process watched = session("sleep 600 & sleep 600");
    Process forgotten = session("sleep 600");
    var watchdog = new Watchdog(folder.resolve("work"));
    watchdog.watch(forgotten.pid());
    watchdog.watch(watched.pid());
    watchdog.forget(forgotten.pid());

    watchdog.close();

    await().atMost(SOON).until(() -> !watched.isAlive());
    assertThat(forgotten.isAlive()).isTrue();
  }

  @Test
  void theFolderGoesWithAllThatIsInIt() throws IOException {
    Path work = folder.resolve("a b'c");
    Path call = Files.createDirectories(work.resolve("call-1"));
    Files.writeString(call.resolve("file"), "x");

    new Watchdog(work).close();

    assertThat(work).doesNotExist();
    assertThat(folder).exists();
  }

  @Test
  void closingTwiceIsSafe() throws IOException {
    var watchdog = new Watchdog(folder.resolve("work"));

    watchdog.close();
    watchdog.close();

    assertThat(folder).isEmptyDirectory();
  }

  /// A worker that is killed can clean nothing up itself.
  @Test
  void aKilledWorkerLeavesNeitherProcessesNorFolder() throws Exception {
    Path work = Files.createDirectory(folder.resolve("work"));
    Process worker =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                DoomedWorker.class.getName(),
                work.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    long program;
    long grandchild;
    try (BufferedReader said = worker.inputReader()) {
      program = Long.parseLong(said.readLine());
      grandchild = Long.parseLong(said.readLine());
      ProcessHandle.of(program).ifPresent(started::add);
      ProcessHandle.of(grandchild).ifPresent(started::add);
      assertThat(started).hasSize(2).allMatch(ProcessHandle::isAlive);

      worker.destroyForcibly().waitFor();
    }

    await().atMost(SOON).until(() -> isGone(program) && isGone(grandchild));
    await().atMost(SOON).untilAsserted(() -> assertThat(work).doesNotExist());
  }

  private Process session(String script) throws IOException {
    Process process = new ProcessBuilder("setsid", "sh", "-c", script).start();
    started.add(process.toHandle());
    return process;
  }

  private static boolean isGone(long pid) {
    return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty();
  }
}
