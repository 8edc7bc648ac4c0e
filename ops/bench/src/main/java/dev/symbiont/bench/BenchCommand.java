package dev.symbiont.bench;

import dev.symbiont.ops.Installation;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/// Measures, and prints a table.
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description =
        "Measure what Symbiont costs per task, each figure beside its denominator from the same run. Uses a broker and a folder of its own; takes some minutes per run.")
final class BenchCommand implements Callable<Integer> {

  private static final int WORKERS = 4;
  private static final int SLOTS = 64;
  private static final int NOOPS = 15_000;
  private static final int SPAWNS = 4_000;
  private static final int POSTS = 500;
  private static final int WARM_UP_POSTS = 4_000;
  private static final int SPAWN_SLOTS = 16;
  private static final int CELERY_TASKS = 1_000;
  private static final int BATCH = 100;
  private static final long MILLION = 1_000_000;
  private static final String TIERS =
      """
      {"tiers": [
        {"name": "noop", "adapter": "noop", "concurrency": %d, "rate": {"calls": 100000000, "period": "1m"}},
        {"name": "sleep", "adapter": "exec", "command": ["/bin/sh", "-c", "exec sleep 20"], "concurrency": 200,
         "rate": {"calls": 100000000, "period": "1m"}},
        {"name": "spawn", "adapter": "exec", "command": ["%s", "{\\"result\\": \\"ok\\"}"],
         "concurrency": %d, "rate": {"calls": 100000000, "period": "1m"}}],
       "router": {"default-tier": "noop"}}
      """
          .formatted(SLOTS, Spawns.COMMAND.getFirst(), SPAWN_SLOTS);

  /// What can be measured by itself.
  enum Part {
    PIPELINE,
    CLI,
    START,
    MEMORY,
    LISTS,
    DRAIN
  }

  @Option(names = "--runs", description = "Runs to take the median of. Default: ${DEFAULT-VALUE}.")
  private int runs = 5;

  @Option(
      names = "--only",
      split = ",",
      description =
          "Parts to measure: ${COMPLETION-CANDIDATES}. Default: all but LISTS, which takes 100,000 tasks, and DRAIN, which takes a million.")
  private Set<Part> parts = EnumSet.complementOf(EnumSet.of(Part.LISTS, Part.DRAIN));

  private final Path root = Installation.current().root();
  private final Table table = new Table();
  private final PrintStream out = System.out;

  public static void main(String[] args) {
    System.exit(
        new CommandLine(new BenchCommand())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .execute(args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("symbiont-bench-");
    out.println("files in " + folder);
    for (Part part : parts) {
      switch (part) {
        case PIPELINE -> pipeline(folder.resolve("pipeline"));
        case CLI -> cli(folder);
        case START -> start(folder.resolve("start"));
        case MEMORY -> memory(folder.resolve("memory"));
        case LISTS -> lists(folder.resolve("lists"));
        case DRAIN -> drain(folder.resolve("drain"));
      }
    }
    out.println();
    out.print(table.markdown());
    return 0;
  }

  private void pipeline(Path folder) throws IOException, InterruptedException {
    try (Site site = new Site(root, folder, TIERS)) {
      startFleet(site);
      site.startNoopDispatcher();
      var peers = new Peers(root, site.broker);
      try (Load load = new Load(site)) {
        LineCount calls = site.calls();
        // The compilers have to see it before it counts.
        var _ = tasksPerSecond(load, calls, NOOPS, "noop");
        var _ = tasksPerSecond(load, calls, SPAWNS / 4, "spawn");
        var _ = load.post(WARM_UP_POSTS / 20.0, WARM_UP_POSTS, "noop");
        int bytes = load.messageLength(200, "noop", calls);
        out.printf("a message has %d bytes%n", bytes);
        for (int run = 1; run <= runs; run++) {
          out.printf("pipeline, run %d of %d%n", run, runs);
          onePipeline(folder, site, peers, load, calls, bytes);
        }
      }
    }
  }

  private void onePipeline(
      Path folder, Site site, Peers peers, Load load, LineCount calls, int bytes)
      throws IOException, InterruptedException {
    double broker = peers.perfTestRate(bytes);
    double confirm = peers.confirmMillis(bytes);
    long routed = site.routed();
    double noop = tasksPerSecond(load, calls, NOOPS, "noop");
    double copies = (double) (site.routed() - routed) / NOOPS;
    table.add("messages queued per task", "", Bar.atMost(9), Sample.of(copies));
    table.add(
        "tasks/s, no-op, beside the broker's limit",
        "tasks/s",
        Bar.atLeast(1),
        Sample.of(noop, broker / copies));
    double spawns = Spawns.perSecond(SPAWNS, WORKERS);
    double spawned = tasksPerSecond(load, calls, SPAWNS, "spawn");
    table.add(
        "tasks/s, spawned no-op, beside bare spawns and the broker",
        "tasks/s",
        Bar.atLeast(0.7),
        Sample.of(spawned, 1 / (1 / spawns + copies / broker)));
    routed = site.routed();
    double[] quiet = load.post(50, POSTS, "noop");
    // One that is posted queues more: the gateway's own step, and the answer to it.
    double postCopies = (double) (site.routed() - routed) / POSTS;
    posted("50/s", quiet, postCopies * confirm);
    posted("a fifth of the highest rate", load.post(noop / 5, POSTS, "noop"), postCopies * confirm);
    table.add(
        "journal lines/s, forced in batches of %d, beside bare writes".formatted(BATCH),
        "lines/s",
        Bar.atLeast(0.8),
        Append.measure(Files.createTempDirectory(folder, "append"), BATCH));
    peers
        .celery(CELERY_TASKS, WORKERS)
        .ifPresentOrElse(
            celery -> {
              waitedFor("p50", Load.percentile(quiet, 0.5), celery);
              waitedFor("p99", Load.percentile(quiet, 0.99), celery);
              table.add(
                  "tasks/s, no-op, beside Celery",
                  "tasks/s",
                  Bar.atLeast(6),
                  Sample.of(noop, celery.path("noop").asDouble()));
              table.add(
                  "tasks/s, spawned no-op, beside Celery",
                  "tasks/s",
                  Bar.atLeast(2),
                  Sample.of(spawned, celery.path("spawn").asDouble()));
            },
            () ->
                out.println(
                    "Celery is not installed (Debian: apt-get install python3-celery): left out"));
  }

  private void posted(String rate, double[] took, double confirms) {
    String name = "POST /task at %s, %s, beside its messages × one confirm";
    table.add(
        name.formatted(rate, "p50"),
        "ms",
        Bar.atMost(1.5),
        Sample.of(Load.percentile(took, 0.5), confirms));
    table.add(
        name.formatted(rate, "p99"),
        "ms",
        Bar.atMost(4),
        Sample.of(Load.percentile(took, 0.99), confirms));
  }

  private void waitedFor(String percentile, double ours, JsonNode celery) {
    table.add(
        "POST /task at 50/s, %s, beside one task that Celery waits for".formatted(percentile),
        "ms",
        Bar.NONE,
        Sample.of(ours, celery.path(percentile).asDouble()));
  }

  private static double tasksPerSecond(Load load, LineCount calls, int count, String tier)
      throws IOException, InterruptedException {
    long before = calls.now();
    long start = System.nanoTime();
    load.publish(count, tier);
    calls.await(before + count);
    return count / ((System.nanoTime() - start) / 1e9);
  }

  private void cli(Path folder) throws IOException, InterruptedException {
    String program = System.getenv("SYMBIONT_CLAUDE");
    if (program == null || program.equals(Installation.SIMULATED)) {
      out.println("no real Claude CLI named by SYMBIONT_CLAUDE: its figures are left out");
      return;
    }
    for (int run = 1; run <= runs; run++) {
      out.printf("real CLI, run %d of %d%n", run, runs);
      new RealCli(root, folder, Path.of(program)).measure(table);
    }
  }

  private void start(Path folder) throws IOException {
    try (Site site = new Site(root, folder, "{}")) {
      Processes.prepareCaches(site);
      for (int run = 1; run <= runs; run++) {
        out.printf("start, run %d of %d%n", run, runs);
        Processes.startUp(site, table);
      }
      startFleet(site);
      for (int run = 1; run <= runs; run++) {
        Processes.status(site, table);
      }
    }
  }

  private void memory(Path folder) throws IOException, InterruptedException {
    try (Site site = new Site(root, folder, TIERS)) {
      startFleet(site);
      try (Load load = new Load(site)) {
        Processes.memory(site, load, table);
      }
    }
  }

  private void lists(Path folder) throws IOException, InterruptedException {
    try (Site site = new Site(root, folder, TIERS)) {
      startFleet(site);
      site.startNoopDispatcher();
      try (Load load = new Load(site)) {
        Lists.measure(site, load, table);
      }
    }
  }

  /// The last tenth beside the first.
  private void drain(Path folder) throws IOException, InterruptedException {
    try (Site site = new Site(root, folder, TIERS)) {
      startFleet(site);
      try (Load load = new Load(site)) {
        load.publish(MILLION, "noop");
        site.startNoopDispatcher();
        LineCount calls = site.calls();
        long tenth = MILLION / 10;
        var rates = new ArrayList<Double>();
        for (int i = 1; i <= 10; i++) {
          long start = System.nanoTime();
          calls.await(i * tenth);
          rates.add(tenth / ((System.nanoTime() - start) / 1e9));
          out.printf("%d tenths drained: %.0f tasks/s%n", i, rates.getLast());
        }
        table.add(
            "draining a million tasks: last tenth beside first",
            "tasks/s",
            Bar.atLeast(0.9),
            Sample.of(rates.getLast(), rates.getFirst()));
      }
    }
  }

  private static void startFleet(Site site) {
    List.of("ledger", "router", "gateway").forEach(site::start);
  }
}
