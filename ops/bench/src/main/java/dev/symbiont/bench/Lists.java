package dev.symbiont.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.node.ObjectNode;

/// How long an operator waits for a page or a list when the ledger has become long.
final class Lists {

  /// Each has a classification and a call of its own.
  private static final long TASKS = 100_000;

  private static final AtomicLong NUMBERS = new AtomicLong();
  private static final int AGAIN = 11;
  private static final int OK = 200;
  private static final Bar BAR = Bar.atMost(300);

  /// What the dashboard's pages and the command line ask for, and what is slowest to find: what is
  /// rare, or far back.
  private static final List<String> PATHS =
      List.of(
          "/dashboard/",
          "/status",
          "/tiers",
          "/tasks",
          "/tasks/{newest}",
          "/tasks/{newest}/events",
          "/tasks?state=failed",
          "/tasks?text=nowhere",
          "/tasks?label=team=red",
          "/tasks?label=rare=yes",
          "/tasks?until={start}",
          "/dead-letters",
          "/ledger",
          "/ledger?limit=1000",
          "/ledger?success=false&tier=spawn",
          "/ledger?label=rare=yes",
          "/ledger?until={start}",
          "/ledger/stats",
          "/ledger/stats?group_by=hour,tier",
          "/ledger/stats?group_by=label:team",
          "/ledger/what-if?tier=spawn",
          "/ledger/what-if?tier=spawn&since={start}",
          "/ledger/break-even?usd_per_month=100");

  private static final List<String> COMMANDS = List.of("status", "tasks", "ledger", "stats");

  private Lists() {}

  static void measure(Site site, Load load, Table table) throws IOException, InterruptedException {
    Instant start = Instant.now();
    LineCount calls = site.calls();
    load.publish(TASKS - 1, Lists::task);
    ObjectNode last = task();
    load.publish(1, () -> last);
    calls.await(2 * TASKS);
    ask(site, start, last.path("id").asString(), table);
  }

  /// Every task is some team's, one in a thousand is rare, and all have to be classified.
  private static ObjectNode task() {
    ObjectNode task = Load.task();
    long number = NUMBERS.incrementAndGet();
    task.putObject("labels")
        .put("team", number % 2 == 0 ? "red" : "blue")
        .put("rare", number % 1_000 == 0 ? "yes" : "no");
    return task;
  }

  private static void ask(Site site, Instant start, String newest, Table table)
      throws IOException, InterruptedException {
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (String path : PATHS) {
        URI address =
            site.gateway()
                .resolve(
                    path.replace("{start}", start.truncatedTo(ChronoUnit.SECONDS).toString())
                        .replace("{newest}", newest));
        for (int i = 0; i < AGAIN; i++) {
          table.add("GET " + path, "ms", BAR, Sample.of(millis(http, address)));
        }
      }
    }
    for (String command : COMMANDS) {
      for (int i = 0; i < AGAIN; i++) {
        long began = System.nanoTime();
        var _ = site.symbiont(command);
        table.add("./symbiont " + command, "ms", BAR, Sample.of(since(began)));
      }
    }
  }

  private static double millis(HttpClient http, URI address)
      throws IOException, InterruptedException {
    long began = System.nanoTime();
    var answer =
        http.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofByteArray());
    if (answer.statusCode() != OK) {
      throw new IllegalStateException("%s: %d".formatted(address, answer.statusCode()));
    }
    return since(began);
  }

  private static double since(long nanos) {
    return (System.nanoTime() - nanos) / 1e6;
  }
}
