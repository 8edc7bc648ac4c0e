package dev.symbiont.ops.chaos;

import dev.symbiont.contract.topology.Topology;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ops.Installation;
import dev.symbiont.ops.SetupException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Shows that nothing is lost and nothing paid for twice in silence, whoever dies.
@Command(
    mixinStandardHelpOptions = true,
    description =
        "Put a fleet of real processes under load, kill, pause and starve its parts, and check that nothing was lost, paid twice in silence or miscounted. Uses the simulated CLI and a folder and broker of its own.")
public final class ChaosCommand implements Callable<Integer> {

  private static final Duration RECOVERY = Duration.ofMinutes(3);
  private static final int TASKS_PER_SECOND = 30;
  private static final int MOST_SHOWN = 30;
  private static final long POLL_MILLIS = 200;

  @Option(names = "--minutes", description = "How long to do harm. Default: ${DEFAULT-VALUE}.")
  private double minutes = 2;

  @Option(
      names = "--seed",
      description = "What to do and when; printed, so that a run can be repeated.")
  private long seed = ThreadLocalRandom.current().nextInt(1_000_000);

  @Option(
      names = "--broker",
      paramLabel = "URL",
      description = "An empty broker to use, which is then not killed. Default: a node of its own.")
  private @Nullable URI broker;

  @Option(
      names = "--defect",
      paramLabel = "NAME",
      description =
          "Plant a defect, to see the suite find it: ack-before-confirm, call-without-grant, drawn-ids, no-force, no-dedupe, lost-end.")
  private @Nullable String defect;

  @Option(names = "--keep", description = "Keep the folder of the run, with all logs.")
  private boolean keep;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
    Path folder = Files.createTempDirectory("symbiont-chaos-");
    out.println("seed %d, %s minutes, simulated CLI, files in %s".formatted(seed, minutes, folder));
    boolean clean = run(folder, out);
    if (clean && !keep) {
      delete(folder);
    } else {
      out.println("files kept in " + folder);
    }
    return clean ? 0 : 1;
  }

  private boolean run(Path folder, PrintWriter out) throws IOException, InterruptedException {
    var installation = Installation.current();
    var oracle = new Oracle();
    try (var fleet = new ChaosFleet(installation, folder, broker, agent(folder));
        var load = new Load(fleet.broker(), fleet.gateway(), seed, TASKS_PER_SECOND)) {
      // Ctrl-C must leave no process behind either.
      var watch = new Thread(fleet::close, "stop-chaos");
      Runtime.getRuntime().addShutdownHook(watch);
      fleet.start();
      awaitUp(load);
      load.start();
      long start = System.nanoTime();
      var mayhem = new Mayhem(fleet, load, seed, out);
      mayhem.run(Duration.ofMillis((long) (minutes * TimeUnit.MINUTES.toMillis(1))));
      load.stop();
      boolean idle = awaitIdle(load);
      double seconds = (System.nanoTime() - start) / 1e9;
      if (!idle) {
        oracle.find(
            "tasks are still open %d s after the last fault".formatted(RECOVERY.toSeconds()));
      }
      OptionalLong dirty = PageCache.dirtyPages(fleet.ledgerFiles().journal());
      if (dirty.orElse(0) > 0) {
        oracle.find(
            "%d pages of the journal are not on disk although all of it was acknowledged: it is not forced"
                .formatted(dirty.getAsLong()));
      }
      checkReplies(load, oracle);
      fleet.stop();
      oracle.examine(fleet.ledgerFiles(), fleet.truth(), load.accepted(), fleet::wasDisturbed);
      oracle.checkCancelled(load.cancelled());
      oracle.checkBudget(
          load.labelled().stream()
              .flatMap(it -> Stream.ofNullable(load.accepted().get(it)))
              .collect(Collectors.toSet()),
          ChaosFleet.BUDGET_USD);
      checkQueues(fleet, oracle);
      checkRemains(fleet, oracle);
      report(out, oracle, mayhem, load, seconds, dirty);
      Runtime.getRuntime().removeShutdownHook(watch);
    }
    return oracle.findings().isEmpty();
  }

  /// A kill while everything is still starting shows little.
  private static void awaitUp(Load load) throws InterruptedException {
    long end = System.nanoTime() + RECOVERY.toNanos();
    while (load.open().isEmpty()) {
      if (System.nanoTime() > end) {
        throw new SetupException("the fleet did not come up; see the logs in the run's folder");
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
  }

  private static boolean awaitIdle(Load load) throws InterruptedException {
    long end = System.nanoTime() + RECOVERY.toNanos();
    while (System.nanoTime() < end) {
      if (load.open().orElse(1L) == 0) {
        return true;
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
    return false;
  }

  private static void checkReplies(Load load, Oracle oracle) throws IOException {
    Map<String, Integer> replies = load.takeReplies();
    for (int number : load.withReply()) {
      if (!replies.containsKey("chaos-" + number)) {
        oracle.find("task chaos-%d ended, and its producer got no result".formatted(number));
      }
    }
  }

  private static void checkQueues(ChaosFleet fleet, Oracle oracle) throws IOException {
    try {
      var factory = new com.rabbitmq.client.ConnectionFactory();
      factory.setUri(fleet.broker());
      try (var connection = factory.newConnection("chaos");
          var channel = connection.createChannel()) {
        for (Topology.Queue queue : Topology.of(List.of("haiku", "sonnet", "opus")).queues()) {
          long left = channel.messageCount(queue.name());
          boolean letters = queue.name().equals(Topology.DEAD_LETTERS);
          // Signs of life, and questions to a ledger-writer that stopped first, answer to nobody.
          if (!letters && !queue.name().equals(Topology.LEDGER) && left > 0) {
            oracle.find("%d messages are left in %s".formatted(left, queue.name()));
          }
          if (letters && left != oracle.setAside()) {
            oracle.find(
                "%d dead letters for %d tasks that were set aside"
                    .formatted(left, oracle.setAside()));
          }
        }
      }
    } catch (java.net.URISyntaxException
        | java.security.GeneralSecurityException
        | java.util.concurrent.TimeoutException e) {
      throw new IOException(e);
    }
  }

  /// What a fleet that has stopped must not leave behind.
  private static void checkRemains(ChaosFleet fleet, Oracle oracle) throws IOException {
    long children =
        ProcessHandle.allProcesses()
            .filter(
                it ->
                    it.info()
                        .commandLine()
                        .orElse("")
                        .contains(fleet.folder.resolve("claude").toString()))
            .count();
    if (children > 0) {
      oracle.find("%d processes of the CLI are left".formatted(children));
    }
    try (Stream<Path> left = Files.list(fleet.work())) {
      long folders = left.count();
      if (folders > 0) {
        oracle.find("%d working directories are left in %s".formatted(folders, fleet.work()));
      }
    }
  }

  private void report(
      PrintWriter out,
      Oracle oracle,
      Mayhem mayhem,
      Load load,
      double seconds,
      OptionalLong dirty) {
    int accepted = load.accepted().size();
    BigDecimal money =
        oracle.calls().stream()
            .map(LedgerLine::estimatedCostUsd)
            .reduce(BigDecimal.ZERO, BigDecimal::add);
    out.println();
    out.println("faults    " + join(mayhem.done()));
    out.println(
        "kills     %d; %d of %d dispatchers were killed during a call"
            .formatted(mayhem.kills(), mayhem.killsDuringACall(), mayhem.dispatcherKills()));
    out.println(
        "tasks     %d accepted, %.1f/s, ends: %s"
            .formatted(accepted, accepted / seconds, join(oracle.endsByState())));
    out.println(
        "          %d cancelled before a call, %d under a budget of $%s"
            .formatted(load.cancelled().size(), load.labelled().size(), ChaosFleet.BUDGET_USD));
    out.println(
        "calls     %d in the ledger, %d of them once unknown, $%s (simulated)"
            .formatted(oracle.calls().size(), oracle.unknownCalls(), money.toPlainString()));
    out.println(
        "journal   "
            + (dirty.isPresent()
                ? "asked the kernel whether it is on disk"
                : "the kernel does not say whether it is on disk"));
    oracle.findings().stream().limit(MOST_SHOWN).forEach(it -> out.println("FOUND     " + it));
    out.println(
        oracle.findings().isEmpty()
            ? "nothing lost, nothing paid twice in silence, no drift"
            : "%d findings".formatted(oracle.findings().size()));
  }

  private static String join(Map<String, ? extends Number> counts) {
    return counts.entrySet().stream()
        .map(it -> it.getKey() + " " + it.getValue())
        .collect(Collectors.joining(", "));
  }

  /// The options that plant a defect in every process.
  private List<String> agent(Path folder) throws IOException {
    if (defect == null) {
      return List.of();
    }
    try (InputStream script =
        ChaosCommand.class.getResourceAsStream("/defects/" + defect + ".btm")) {
      if (script == null) {
        throw new SetupException("there is no defect '%s'; see --help".formatted(defect));
      }
      Path copy = folder.resolve(defect + ".btm");
      Files.copy(script, copy);
      String jar =
          Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
              .filter(it -> it.matches(".*/byteman-[\\d.]+\\.jar"))
              .findFirst()
              .orElseThrow(() -> new SetupException("Byteman is not on the class path"));
      return List.of("-javaagent:%s=script:%s".formatted(jar, copy));
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
