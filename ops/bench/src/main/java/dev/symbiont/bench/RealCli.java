package dev.symbiont.bench;

import dev.symbiont.testing.StubApi;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The real Claude CLI in front of a stub of the model API that answers at once.
final class RealCli {

  private static final int WORKERS = 4;
  private static final int COLD_TASKS = 12;
  private static final int WARM_TASKS = 1_000;
  private static final int WAITED_TASKS = 40;

  /// What a cold call of ours runs with.
  private static final List<String> LEAN =
      List.of(
          "--model",
          "sonnet",
          "--tools",
          "",
          "--system-prompt",
          "Answer the task.",
          "--strict-mcp-config",
          "--setting-sources",
          "",
          "--no-session-persistence");

  private final Path root;
  private final Path folder;
  private final Path program;

  RealCli(Path root, Path folder, Path program) {
    this.root = root;
    this.folder = folder;
    this.program = program;
  }

  void measure(Table table) throws IOException, InterruptedException {
    double cold = tasksPerSecond(false, COLD_TASKS, table);
    double warm = tasksPerSecond(true, WARM_TASKS, table);
    table.add(
        "real CLI, 4 workers: warm beside cold", "tasks/s", Bar.atLeast(15), Sample.of(warm, cold));
  }

  private double tasksPerSecond(boolean warm, int count, Table table)
      throws IOException, InterruptedException {
    try (StubApi api = StubApi.start();
        Site site =
            new Site(
                root, Files.createTempDirectory(folder, warm ? "warm" : "cold"), settings(warm))) {
      site.with("SYMBIONT_CLAUDE", program.toString())
          .with("ANTHROPIC_API_KEY", "test-key")
          .with("ANTHROPIC_BASE_URL", api.address().toString());
      List.of("ledger", "router", "gateway", "dispatcher").forEach(site::start);
      try (Load load = new Load(site)) {
        LineCount calls = site.calls();
        long before = calls.now();
        load.publish(WORKERS, "sonnet");
        calls.await(before + WORKERS);
        long start = System.nanoTime();
        load.publish(count, "sonnet");
        calls.await(before + WORKERS + count);
        double rate = count / ((System.nanoTime() - start) / 1e9);
        if (warm) {
          waited(load, table);
          weigh(site, load, api, table);
        }
        return rate;
      }
    }
  }

  /// One at a time, beside a CLI that is started for each.
  private void waited(Load load, Table table) {
    double warm = Load.percentile(load.post(2, WAITED_TASKS, "sonnet"), 0.5) / 1e3;
    var cold = new ArrayList<Sample>();
    try (StubApi api = StubApi.start()) {
      for (int i = 0; i < 5; i++) {
        long start = System.nanoTime();
        callByHand(api, LEAN);
        cold.add(Sample.of((System.nanoTime() - start) / 1e9));
      }
    }
    table.add(
        "real CLI, warm: p50 of POST /task beside one cold call",
        "s",
        Bar.atMost(0.25),
        Sample.of(warm, Table.median(cold, Sample::figure)));
  }

  /// What a classification sends, beside what the CLI sends by default.
  private void weigh(Site site, Load load, StubApi api, Table table)
      throws IOException, InterruptedException {
    LineCount calls = site.calls();
    api.reset();
    long before = calls.now();
    load.publish(1, Load::task);
    calls.await(before + 2);
    int ours =
        api.requests().stream()
            .filter(it -> it.model().contains("haiku"))
            .mapToInt(StubApi.Request::bytes)
            .max()
            .orElseThrow();
    api.reset();
    callByHand(api, List.of("--model", "haiku"));
    int byDefault = api.requests().stream().mapToInt(StubApi.Request::bytes).max().orElseThrow();
    table.add(
        "request of a classification, beside the CLI's default (must be ≤ 3,000 bytes)",
        "bytes",
        Bar.atMost(0.03),
        Sample.of(ours, byDefault));
  }

  private void callByHand(StubApi api, List<String> arguments) {
    try {
      Path home = Files.createDirectories(folder.resolve("home"));
      var command = new ArrayList<>(List.of(program.toString(), "-p", "--output-format", "json"));
      command.addAll(arguments);
      var builder = new ProcessBuilder(command).directory(home.toFile()).redirectErrorStream(true);
      builder.environment().clear();
      builder
          .environment()
          .putAll(
              Map.of(
                  "HOME", home.toString(),
                  "PATH", "/usr/local/bin:/usr/bin:/bin",
                  "ANTHROPIC_API_KEY", "test-key",
                  "ANTHROPIC_BASE_URL", api.address().toString(),
                  "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1",
                  "DISABLE_AUTOUPDATER", "1",
                  "CLAUDE_CODE_MAX_RETRIES", "0"));
      Process process = builder.start();
      process.getOutputStream().write("hello".getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().close();
      var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.onExit().join().exitValue() != 0) {
        throw new IllegalStateException("the CLI failed: " + output);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String settings(boolean warm) {
    return """
      {"tiers": [
        {"name": "haiku", "rate": {"calls": 60000, "period": "1m"}, "timeout": "60s"},
        {"name": "sonnet", "concurrency": %d, "rate": {"calls": 60000, "period": "1m"}, "timeout": "60s"}],
       "dispatcher": {"warm": {"enabled": %s}}}
      """
        .formatted(WORKERS, warm);
  }
}
