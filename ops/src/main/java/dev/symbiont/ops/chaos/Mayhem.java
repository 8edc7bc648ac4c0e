package dev.symbiont.ops.chaos;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/// Does harm to a fleet, one fault after the other. Which, to whom and when comes from the seed, as
/// far as real processes allow.
final class Mayhem {

  /// Longer than the time after which a silent worker's calls are given up.
  private static final long PAUSE_MILLIS = 14_000;

  private static final long DISK_FULL_MILLIS = 4_000;

  /// The broker looks at its memory every 2.5 s.
  private static final long BLOCKED_MILLIS = 4_000;

  private static final int BURST = 60;
  private static final int SHORTEST_REST_MILLIS = 2_000;
  private static final int LONGEST_REST_MILLIS = 9_000;

  /// Each as often as it stands here, out of all.
  private static final List<Fault> FAULTS =
      List.of(
          Fault.KILL_DISPATCHER,
          Fault.KILL_DISPATCHER,
          Fault.KILL_DISPATCHER,
          Fault.KILL_DISPATCHER,
          Fault.KILL_ROUTER,
          Fault.KILL_ROUTER,
          Fault.KILL_LEDGER,
          Fault.KILL_LEDGER,
          Fault.KILL_STANDBY,
          Fault.KILL_GATEWAY,
          Fault.KILL_BROKER,
          Fault.BLOCK_AND_KILL,
          Fault.BLOCK_AND_KILL,
          Fault.PAUSE_DISPATCHER,
          Fault.PAUSE_LEDGER,
          Fault.FILL_DISK);

  private enum Fault {
    KILL_DISPATCHER,
    KILL_ROUTER,
    KILL_LEDGER,
    KILL_STANDBY,
    KILL_GATEWAY,
    KILL_BROKER,
    BLOCK_AND_KILL,
    PAUSE_DISPATCHER,
    PAUSE_LEDGER,
    FILL_DISK;

    String title() {
      return name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    }
  }

  private final ChaosFleet fleet;
  private final Load load;
  private final SplittableRandom random;
  private final PrintWriter out;
  private final Map<String, Integer> done = new TreeMap<>();
  private int killsDuringACall;

  Mayhem(ChaosFleet fleet, Load load, long seed, PrintWriter out) {
    this.fleet = fleet;
    this.load = load;
    this.random = new SplittableRandom(seed);
    this.out = out;
  }

  /// What was done, and how often.
  Map<String, Integer> done() {
    return done;
  }

  int kills() {
    return done.entrySet().stream()
            .mapToInt(it -> it.getKey().startsWith("kill") ? it.getValue() : 0)
            .sum()
        + 2 * done.getOrDefault(Fault.BLOCK_AND_KILL.title(), 0);
  }

  int dispatcherKills() {
    return done.getOrDefault(Fault.KILL_DISPATCHER.title(), 0);
  }

  /// Kills of a dispatcher that had a call under way at that moment.
  int killsDuringACall() {
    return killsDuringACall;
  }

  void run(Duration time) throws IOException, InterruptedException {
    long start = System.nanoTime();
    while (true) {
      TimeUnit.MILLISECONDS.sleep(random.nextInt(SHORTEST_REST_MILLIS, LONGEST_REST_MILLIS));
      if (System.nanoTime() - start > time.toNanos()) {
        return;
      }
      Fault fault = FAULTS.get(random.nextInt(FAULTS.size()));
      int choice = random.nextInt(Integer.MAX_VALUE);
      boolean needsBroker = fault == Fault.KILL_BROKER || fault == Fault.BLOCK_AND_KILL;
      if (needsBroker && !fleet.ownsBroker()) {
        continue;
      }
      long second = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
      out.println("%4d s  %s".formatted(second, fault.title()));
      inflict(fault, choice);
    }
  }

  private void inflict(Fault fault, int choice) throws IOException, InterruptedException {
    switch (fault) {
      case KILL_DISPATCHER -> {
        String member = oneOf("dispatcher", choice);
        flood(choice);
        killsDuringACall += fleet.callsOf(fleet.process(member)) > 0 ? 1 : 0;
        fleet.kill(member);
      }
      case KILL_ROUTER -> {
        flood(choice);
        fleet.kill(oneOf("router", choice));
      }
      case KILL_GATEWAY -> {
        flood(choice);
        fleet.kill(oneOf("gateway", choice));
      }
      case KILL_LEDGER -> {
        flood(choice);
        fleet.kill(fleet.activeLedger());
      }
      case KILL_STANDBY -> {
        String active = fleet.activeLedger();
        String standby =
            fleet.members("ledger").stream()
                .filter(it -> !it.equals(active))
                .findFirst()
                .orElse(active);
        fleet.kill(standby);
      }
      case KILL_BROKER -> {
        flood(choice);
        fleet.killBroker();
      }
      case BLOCK_AND_KILL -> blockAndKill(choice);
      case PAUSE_DISPATCHER -> pause(oneOf("dispatcher", choice));
      case PAUSE_LEDGER -> pause(fleet.activeLedger());
      case FILL_DISK -> {
        if (!fillDisk(fleet.activeLedger())) {
          done.merge("(full disk not possible here)", 1, Integer::sum);
          return;
        }
      }
    }
    done.merge(fault.title(), 1, Integer::sum);
  }

  private String oneOf(String role, int choice) {
    List<String> members = fleet.members(role);
    return members.get(choice % members.size());
  }

  /// Makes it likely that the kill comes between two steps of many tasks.
  private void flood(int choice) throws InterruptedException {
    load.burst(BURST);
    TimeUnit.MILLISECONDS.sleep(choice % 300);
  }

  /// While the broker takes nothing, workers finish what they have and can tell nobody; whoever
  /// acknowledges too early loses it when they die.
  private void blockAndKill(int choice) throws InterruptedException {
    flood(choice);
    fleet.alarm(true);
    try {
      TimeUnit.MILLISECONDS.sleep(BLOCKED_MILLIS);
      fleet.kill(oneOf("dispatcher", choice));
      fleet.kill(oneOf("router", choice));
    } finally {
      fleet.alarm(false);
    }
  }

  private void pause(String member) throws InterruptedException {
    fleet.pause(member);
    try {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    } finally {
      fleet.resume(member);
    }
  }

  private boolean fillDisk(String member) throws IOException, InterruptedException {
    long full = Files.size(fleet.ledgerFiles().journal()) + 10_000;
    if (!fleet.limitFiles(member, Long.toString(full))) {
      return false;
    }
    try {
      TimeUnit.MILLISECONDS.sleep(DISK_FULL_MILLIS);
    } finally {
      fleet.limitFiles(member, "unlimited");
    }
    return true;
  }
}
