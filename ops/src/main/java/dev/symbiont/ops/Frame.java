package dev.symbiont.ops;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// One picture of a fleet, as `top` shows it: lines that fit the terminal. What does not fit is
/// cut, and what matters less is left out first.
///
/// @param seen null before the first answer
/// @param trouble why there is no newer one; null if there is nothing wrong
/// @param now what ages are counted from
record Frame(
    @Nullable Snapshot seen,
    @Nullable Trouble trouble,
    boolean paused,
    Instant now,
    Terminal terminal) {

  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");
  private static final String KEYS = "q quit   p pause or go on";
  private static final String GAP = "  ";

  /// With fewer rows there are neither blank lines nor a line about keys.
  private static final int ROOMY = 16;

  private static final int LEAST_REASON = 16;
  private static final int LEAST_PROMPT = 16;
  private static final int LEAST_WORKER = 20;

  /// No newer picture.
  record Trouble(Instant since, String what) {}

  /// Of as many rows as it takes, without a line about keys.
  List<String> lines() {
    var lines = new ArrayList<>(head());
    for (List<String> part : List.of(tiers(), workers(), tasks())) {
      if (!part.isEmpty()) {
        lines.add("");
        lines.addAll(part);
      }
    }
    return fitted(lines);
  }

  /// Of so many rows at most.
  List<String> lines(int rows) {
    int gap = rows < ROOMY ? 0 : 1;
    var lines = new ArrayList<>(head());
    List<String> tiers = tiers();
    List<String> workers = workers();
    List<String> tasks = tasks();
    // The last row is that of the keys, where there is one.
    int room = rows - gap - lines.size();
    room -= add(tiers, "more", room, gap, lines);
    int most = Math.max(room * 2 / 5, room - gap - tasks.size());
    room -= add(workers, "more", most, gap, lines);
    add(tasks, hasOlderTasks() ? "more, and older ones" : "more", room, gap, lines);
    if (gap > 0) {
      while (lines.size() < rows - 1) {
        lines.add("");
      }
      lines.add(KEYS);
    }
    return fitted(lines.subList(0, Math.min(rows, lines.size())));
  }

  /// Adds heads and as many rows as there is room for, if it is for one at least.
  ///
  /// @return how much room that took
  private static int add(List<String> part, String rest, int room, int gap, List<String> lines) {
    int most = room - gap;
    int least = Math.min(part.size(), 3);
    if (part.isEmpty() || most < least) {
      return 0;
    }
    int before = lines.size();
    if (gap > 0) {
      lines.add("");
    }
    if (part.size() <= most) {
      lines.addAll(part);
    } else {
      lines.addAll(part.subList(0, most - 1));
      lines.add("… %d %s".formatted(part.size() - (most - 1), rest));
    }
    return lines.size() - before;
  }

  private List<String> fitted(List<String> lines) {
    return terminal.columns() == 0
        ? List.copyOf(lines)
        : lines.stream().map(it -> Columns.cut(it, terminal.columns())).toList();
  }

  private List<String> head() {
    var lines = new ArrayList<String>();
    String clock = (paused ? "PAUSED" + GAP : "") + clock(now);
    String title =
        terminal.bold("symbiont") + GAP + (seen == null ? "asking the gateway" : health(seen));
    if (terminal.columns() > 0) {
      int room = terminal.columns() - Columns.of(clock);
      title = Columns.cut(title, room - 1);
      clock = " ".repeat(Math.max(1, room - Columns.of(title))) + clock;
    } else {
      clock = GAP + clock;
    }
    lines.add(title + clock);
    if (seen != null) {
      lines.add(load(seen));
      lines.add(spend(seen));
      warnings(seen).map(it -> terminal.painted("WARN", it)).forEach(lines::add);
    }
    if (trouble != null) {
      String since =
          "no answer since %s (%s): "
              .formatted(
                  clock(trouble.since()), Shown.duration(Duration.between(trouble.since(), now)));
      lines.add(terminal.painted("FAIL", since + Shown.line(trouble.what())));
    }
    return lines;
  }

  private String health(Snapshot seen) {
    JsonNode status = seen.of("status");
    boolean broker = seen.of("ready").path("status").asString("").equals("up");
    String up =
        status.has("api_uptime_seconds")
            ? "up " + Shown.duration(Duration.ofSeconds(status.path("api_uptime_seconds").asLong()))
            : "up";
    return Stream.of(
            "gateway "
                + (trouble == null ? terminal.painted("ok", up) : terminal.painted("FAIL", "gone")),
            "broker " + beyond(broker),
            "ledger " + beyond(seen.hasLedger()),
            Shown.line(seen.of("gateway")))
        .collect(Collectors.joining(GAP));
  }

  /// What only the gateway sees.
  private String beyond(boolean there) {
    if (trouble != null) {
      return Shown.NONE;
    }
    return there ? terminal.painted("ok", "ok") : terminal.painted("FAIL", "away");
  }

  private static String load(Snapshot seen) {
    JsonNode status = seen.of("status");
    return Stream.of(
            "queued " + count(status.path("queue_size")),
            "running " + count(status.path("running")),
            "parked " + seen.parked(),
            "set aside " + count(seen.of("set_aside")),
            "workers " + (status.has("workers") ? status.path("workers").size() : Shown.NONE))
        .collect(Collectors.joining(GAP));
  }

  private String spend(Snapshot seen) {
    Instant hour = now.truncatedTo(ChronoUnit.HOURS);
    return "today %s in %s calls, %s failed%sthis hour %s%shour before %s"
        .formatted(
            usd(seen.spentToday()),
            callsToday(seen),
            failed(seen),
            GAP,
            usd(seen.spent(hour)),
            GAP,
            usd(seen.spent(hour.minus(1, ChronoUnit.HOURS))));
  }

  /// What does not work although the gateway answers.
  private static Stream<String> warnings(Snapshot seen) {
    var warnings = new ArrayList<String>();
    JsonNode status = seen.of("status");
    seen.of("ready").path("problems").forEach(it -> warnings.add(Shown.line(it)));
    if (status.has("status") && !status.has("queue_size")) {
      warnings.add(
          "no ledger-writer answers; tasks are accepted and wait"
              + (seen.of("ledger_at").isString()
                  ? "; tiers and tasks are of "
                      + clock(Instant.parse(seen.of("ledger_at").asString()))
                  : ""));
    }
    seen.of("refused")
        .properties()
        .forEach(it -> warnings.add(it.getKey() + ": " + Shown.line(it.getValue())));
    return warnings.stream();
  }

  private List<String> tiers() {
    if (seen == null || seen.of("tiers").isMissingNode()) {
      return List.of();
    }
    var table =
        new Table(
            "TIER",
            "STATE",
            ">RESET",
            ">RUNNING",
            ">QUEUED",
            ">PARKED",
            ">RATE",
            ">CALLS",
            ">FAILED",
            ">THIS HOUR",
            ">TODAY",
            "REASON");
    seen.tiers().forEach(it -> row(table, seen, it));
    List<String> lines =
        headed(
            table.fitting(
                terminal,
                LEAST_REASON,
                "REASON",
                "CALLS",
                "THIS HOUR",
                "FAILED",
                "RATE",
                "TODAY",
                "PARKED",
                "RUNNING"));
    seen.of("tiers")
        .path("budgets")
        .forEach(
            it ->
                lines.add(
                    "budget %s  %s of %s today"
                        .formatted(
                            Shown.line(it.path("scope")),
                            usd(it.path("spent_today_usd")),
                            usd(it.path("usd_per_day")))));
    return lines;
  }

  private void row(Table table, Snapshot seen, JsonNode tier) {
    JsonNode state = tier.path("state");
    String name = state.path("tier").asString("");
    table.row(
        Shown.line(name),
        Shown.line(state.path("phase")),
        state.has("until") ? untilThen(state.path("until")) : Shown.NONE,
        count(tier.path("running")),
        count(tier.path("waiting")),
        count(tier.path("parked")),
        count(tier.path("rate_used")) + "/" + count(tier.path("rate").path("calls")),
        count(seen.callsToday(name)),
        seen.of("failed").has("by_tier")
            ? "" + seen.of("failed").path("by_tier").path(name).asInt(0)
            : Shown.NONE,
        usd(seen.spent(now.truncatedTo(ChronoUnit.HOURS), name)),
        usd(tier.path("spent_today_usd")),
        state.has("reason") ? Shown.line(state.path("reason")) : "");
  }

  private String untilThen(JsonNode time) {
    return Instant.parse(time.asString()).isBefore(now) ? "now" : Shown.age(time, now);
  }

  private List<String> workers() {
    if (seen == null || !seen.of("status").has("workers")) {
      return List.of();
    }
    var table = new Table("ROLE", ">CALLS", ">UP FOR", ">SEEN", "WORKER");
    seen.of("status")
        .path("workers")
        .valueStream()
        .sorted(
            Comparator.comparing((JsonNode it) -> it.path("role").asString(""))
                .thenComparing(it -> it.path("worker").asString("")))
        .forEach(
            it ->
                table.row(
                    Shown.line(it.path("role")),
                    "" + it.path("running").size(),
                    Shown.age(it.path("started_at"), now),
                    Shown.age(it.path("at"), now) + " ago",
                    Shown.line(it.path("worker"))));
    return headed(table.fitting(terminal, LEAST_WORKER, "UP FOR"));
  }

  private List<String> tasks() {
    if (seen == null || seen.of("tasks").isMissingNode()) {
      return List.of();
    }
    var table = new Table("TASK", "STATE", "TIER", ">AGE", ">COST", "PROMPT");
    seen.of("tasks")
        .path("tasks")
        .forEach(
            it ->
                table.row(
                    Shown.line(it.path("id")),
                    Shown.line(it.path("status")),
                    Shown.line(it.path("tier")),
                    Shown.age(it.path("created_at"), now),
                    usd(it.path("cost_usd")),
                    Shown.line(it.path("preview"))));
    return headed(table.fitting(terminal, LEAST_PROMPT, "COST", "TIER", "TASK"));
  }

  private boolean hasOlderTasks() {
    return seen != null && seen.of("tasks").has("next");
  }

  private List<String> headed(Table table) {
    var lines = new ArrayList<>(table.lines(terminal));
    lines.set(0, terminal.bold(lines.getFirst()));
    return lines;
  }

  private static String callsToday(Snapshot seen) {
    return seen.of("status").has("queue_size")
        ? ""
            + seen.tiers()
                .map(it -> seen.callsToday(it.path("state").path("tier").asString("")))
                .mapToLong(it -> it.asLong(0))
                .sum()
        : Shown.NONE;
  }

  private static String failed(Snapshot seen) {
    JsonNode failed = seen.of("failed");
    return failed.has("by_tier")
        ? failed.path("by_tier").valueStream().mapToLong(it -> it.asLong(0)).sum()
            + (failed.path("more").asBoolean(false) ? "+" : "")
        : Shown.NONE;
  }

  private static String usd(JsonNode amount) {
    return amount.isNumber() ? usd(amount.decimalValue()) : Shown.NONE;
  }

  /// Where much is nothing, that should not look like something.
  private static String usd(BigDecimal amount) {
    return amount.signum() == 0 ? "$0" : Shown.usd(amount);
  }

  private static String count(JsonNode number) {
    return number.isNumber() ? number.asString() : Shown.NONE;
  }

  private static String clock(Instant at) {
    return CLOCK.format(LocalTime.ofInstant(at, ZoneId.systemDefault()));
  }
}
