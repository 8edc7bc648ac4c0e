package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The dashboard in a real browser, on a fleet of processes. `src/test/browser/dashboard.mjs` says
/// what is done there; what it sees is kept in `target/screenshots`.
class DashboardIT {

  private static final Path SCRIPTS = SymbiontProcess.ROOT.resolve("ops/src/test/browser");
  private static final Path SCREENSHOTS = SymbiontProcess.ROOT.resolve("ops/target/screenshots");
  private static final List<String> BROWSERS =
      List.of("chromium", "chromium-browser", "google-chrome");
  private static final String STOP = "please stop ";
  private static final String START = "please start ";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir private static Path folder;

  private final Map<String, SymbiontProcess> roles = new HashMap<>();

  @Test
  void whatAnOperatorDoesWorksInABrowser() throws Exception {
    Optional<Path> browser = browser();
    assumeTrue(browser.isPresent(), "no Chromium is installed: the dashboard was not tried");
    assumeTrue(hasLibraries(), "playwright-core and axe-core cannot be had from npm here");
    Files.createDirectories(SCREENSHOTS);
    try (var fleet =
        new FleetProcesses(
            folder,
            Map.of("SPRING_APPLICATION_JSON", "{\"symbiont.dispatcher.first-wait\": \"10ms\"}"))) {
      List<String> all = List.of("ledger", "router", "dispatcher", "gateway");
      all.forEach(role -> roles.put(role, fleet.start(role)));
      Gateway guarded = guardedGateway(fleet);
      all.forEach(role -> running(role).awaitOutput(role + " is up"));
      await("the ledger").atMost(PATIENCE).until(() -> fleet.gateway().hasLedger());
      String key = key(fleet);
      var script = new ProcessBuilder("node", "dashboard.mjs").directory(folder.toFile());
      script.redirectErrorStream(true);
      script
          .environment()
          .putAll(
              Map.of(
                  "SYMBIONT_URL",
                  fleet.gateway().address(),
                  "SYMBIONT_GUARDED_URL",
                  guarded.address(),
                  "SYMBIONT_KEY",
                  key,
                  "SYMBIONT_BROWSER",
                  browser.get().toString(),
                  "SYMBIONT_SCREENSHOTS",
                  SCREENSHOTS.toString()));

      assertThat(run(script.start(), fleet)).endsWith("all of it works");
    }
  }

  /// Does what the script asks for, until it has ended.
  private List<String> run(Process script, FleetProcesses fleet) throws Exception {
    var output = new ArrayList<String>();
    try (var lines = script.inputReader();
        BufferedWriter answers = script.outputWriter()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        output.add(line);
        if (line.startsWith(STOP)) {
          running(line.substring(STOP.length())).kill();
        } else if (line.startsWith(START)) {
          String role = line.substring(START.length());
          roles.put(role, fleet.start(role).awaitOutput(role + " is up"));
        } else {
          continue;
        }
        answers.write("done\n");
        answers.flush();
      }
    } finally {
      script.destroy();
    }
    assertThat(script.waitFor()).as(String.join("\n", output)).isZero();
    return output;
  }

  private SymbiontProcess running(String role) {
    return Objects.requireNonNull(roles.get(role));
  }

  /// Another one, which asks for keys.
  private static Gateway guardedGateway(FleetProcesses fleet) {
    int port = FleetProcesses.freePort();
    fleet.environment().putAll(Map.of("SYMBIONT_PORT", "" + port, "SYMBIONT_KEYS", "true"));
    fleet.start("gateway").awaitOutput("gateway is up");
    fleet.environment().put("SYMBIONT_PORT", Integer.toString(fleet.port));
    fleet.environment().remove("SYMBIONT_KEYS");
    return new Gateway("http://127.0.0.1:" + port);
  }

  private static String key(FleetProcesses fleet) throws Exception {
    try (var command =
        SymbiontProcess.start(
            folder,
            fleet.environment(),
            "keys",
            "create",
            "operator",
            "--scope",
            "submit,read_all,operate")) {
      assertThat(command.awaitExit()).as(command.output()).isZero();
      return command.output().strip().lines().toList().getLast();
    }
  }

  private static Optional<Path> browser() {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
        .flatMap(place -> BROWSERS.stream().map(name -> Path.of(place, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static boolean hasLibraries() throws IOException, InterruptedException {
    for (String file : List.of("package.json", "package-lock.json", "dashboard.mjs")) {
      Files.copy(SCRIPTS.resolve(file), folder.resolve(file));
    }
    try {
      return new ProcessBuilder("npm", "ci", "--no-audit", "--no-fund")
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("npm.log").toFile())
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
