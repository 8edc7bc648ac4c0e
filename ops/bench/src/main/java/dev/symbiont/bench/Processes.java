package dev.symbiont.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// How long processes take to start, and how much memory they hold.
final class Processes {

  private static final List<String> ROLES = List.of("ledger", "router", "dispatcher", "gateway");
  private static final int IN_FLIGHT = 200;
  private static final long FIRST = 20_000;
  private static final long MORE = 100_000;

  private Processes() {}

  /// The first start of each makes its cache.
  static void prepareCaches(Site site) {
    ROLES.forEach(role -> site.stop(site.start(role)));
    Process gateway = site.start("gateway");
    var _ = site.symbiont("status");
    site.stop(gateway);
  }

  /// Each role with its cache beside the same without.
  static void startUp(Site site, Table table) {
    for (String role : ROLES) {
      site.with("SYMBIONT_AOT", "on");
      double with = secondsToStart(site, role);
      site.with("SYMBIONT_AOT", "off");
      double without = secondsToStart(site, role);
      table.add(
          "start of a %s, with AOT cache beside without".formatted(role),
          "s",
          Bar.atMost(0.55),
          Sample.of(with, without));
    }
    site.with("SYMBIONT_AOT", "on");
  }

  private static double secondsToStart(Site site, String role) {
    long start = System.nanoTime();
    Process process = site.start(role);
    double seconds = (System.nanoTime() - start) / 1e9;
    site.stop(process);
    return seconds;
  }

  static void status(Site site, Table table) {
    long start = System.nanoTime();
    var _ = site.symbiont("status");
    table.add(
        "./symbiont status", "s", Bar.atMost(0.35), Sample.of((System.nanoTime() - start) / 1e9));
  }

  /// Of a dispatcher without its children.
  static void memory(Site site, Load load, Table table) throws IOException, InterruptedException {
    inFlight(site, load, table);
    drift(site, load, table);
  }

  private static void inFlight(Site site, Load load, Table table)
      throws IOException, InterruptedException {
    site.with("SYMBIONT_DISPATCHER_TIERS", "spawn");
    Process small = site.start("dispatcher");
    table.add("memory of an idle dispatcher", "MB", Bar.atMost(130), Sample.of(megabytes(small)));
    site.stop(small);
    site.with("SYMBIONT_DISPATCHER_TIERS", "sleep");
    Process dispatcher = site.start("dispatcher");
    double idle = megabytes(dispatcher);
    LineCount calls = site.calls();
    long before = calls.now();
    load.publish(IN_FLIGHT, "sleep");
    awaitChildren(dispatcher);
    double each = (megabytes(dispatcher) - idle) * 1_000 / IN_FLIGHT;
    table.add("memory per task in flight", "kB", Bar.atMost(256), Sample.of(each));
    calls.await(before + IN_FLIGHT);
    site.stop(dispatcher);
  }

  private static void drift(Site site, Load load, Table table)
      throws IOException, InterruptedException {
    site.with("SYMBIONT_DISPATCHER_TIERS", "noop");
    Process dispatcher = site.startNoopDispatcher();
    LineCount calls = site.calls();
    long before = calls.now();
    load.publish(FIRST, "noop");
    calls.await(before + FIRST);
    double warm = megabytes(dispatcher);
    load.publish(MORE, "noop");
    calls.await(before + FIRST + MORE);
    table.add(
        "memory after 100,000 more tasks beside before",
        "MB",
        Bar.atMost(1.02),
        Sample.of(megabytes(dispatcher), warm));
    site.stop(dispatcher);
  }

  private static void awaitChildren(Process dispatcher) {
    while (dispatcher.descendants().count() < IN_FLIGHT) {
      Site.pause();
    }
  }

  private static double megabytes(Process process) {
    try {
      return Files.readAllLines(Path.of("/proc/%d/status".formatted(process.pid()))).stream()
          .filter(it -> it.startsWith("VmRSS:"))
          .mapToDouble(it -> Double.parseDouble(it.replaceAll("\\D+", "")) / 1_000)
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
