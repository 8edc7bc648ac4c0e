package dev.symbiont.ops;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import tools.jackson.databind.JsonNode;

/// What there is, for people, or as the gateway says it.
final class ListCommands {

  private ListCommands() {}

  /// The newest of a kind, newest first.
  abstract static class Newest extends Question.ForPeople {

    private final String path;

    Newest(String path, String description) {
      super(description);
      this.path = path;
      option("tier", text("--tier", "TIER"));
      option("label", text("--label", "NAME=VALUE"));
      option(
          "since",
          text("--since", "TIME")
              .description("Then or later: a day, or a time such as 2026-01-31T12:00:00Z."));
      option("until", text("--until", "TIME").description("Before that."));
      option(
          "limit",
          OptionSpec.builder("--limit")
              .paramLabel("LIMIT")
              .type(int.class)
              .defaultValue("20")
              .description("At most so many, up to 1000 (default: ${DEFAULT-VALUE})."));
    }

    @Override
    final Gateway.Answer ask(Gateway gateway) {
      return gateway.get(query(path));
    }
  }

  static final class Tasks extends Newest {

    Tasks() {
      super("/tasks", "Tasks, newest first: id, state, tier, age, cost, and how they begin.");
      option(
          "state",
          text("--state", "STATE")
              .description(
                  "queued, routed, waiting, running, succeeded, failed, cancelled, expired or set_aside"));
      option(
          "text",
          text("--text", "TEXT")
              .description("Somewhere in the first 100 characters of the prompt."));
    }

    @Override
    void show(JsonNode answer, Page page) {
      var table = new Table("ID", "STATE", "TIER", ">AGE", ">COST", "PROMPT");
      for (JsonNode task : answer.path("tasks")) {
        table.row(
            Shown.line(task.path("id")),
            Shown.line(task.path("status")),
            Shown.line(task.path("tier")),
            Shown.age(task.path("created_at"), page.now()),
            Shown.usd(task.path("cost_usd")),
            Shown.line(task.path("preview")));
      }
      printOr("no such task", table, answer, page);
    }
  }

  static final class Show extends Question.ForPeople {

    private final PositionalParamSpec id =
        PositionalParamSpec.builder().paramLabel("ID").type(String.class).arity("1").build();

    Show() {
      super("Show a task: state, decision, calls, result.");
      spec().addPositional(id);
    }

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.get(Query.task(id.getValue()));
    }

    @Override
    void show(JsonNode task, Page page) {
      String state = task.path("status").asString("");
      page.line("id", Shown.line(task.path("id")));
      page.line("state", page.terminal().painted(state, state));
      if (task.has("waits_until")) {
        page.line("until", Shown.second(task.path("waits_until")));
      }
      page.line("accepted", when(task.path("created_at"), page.now()));
      page.line("ended", when(task.path("ended_at"), page.now()));
      if (task.has("reason")) {
        page.line("reason", Shown.line(task.path("reason")));
      }
      JsonNode decision = task.path("decision");
      page.line("tier", Shown.line(task.path("tier")));
      if (decision.isObject()) {
        page.line(
            "decision",
            "%s: %s (decided by %s, %s confidence)"
                .formatted(
                    Shown.line(decision.path("tier")),
                    Shown.line(decision.path("reason")),
                    Shown.line(decision.path("decided_by")),
                    Shown.line(decision.path("confidence"))));
      }
      if (!task.path("labels").isEmpty()) {
        page.line("labels", labels(task.path("labels")));
      }
      JsonNode result = task.path("result");
      if (result.has("total_cost_usd")) {
        page.line("cost", Shown.usd(result.path("total_cost_usd")));
      }
      if (!task.path("calls").isEmpty()) {
        page.out().println();
        page.print(calls(task.path("calls"), page.now()));
      }
      block("PROMPT", task.path("task"), page);
      block("RESULT", result.path("result"), page);
      block("ERROR", result.path("error"), page);
      if (result.path("simulated").asBoolean(false)) {
        page.out().println("\nSIMULATED: no model was asked; answer, tokens and cost are made up.");
      }
    }

    private static Table calls(JsonNode calls, Instant now) {
      var table = new Table("OUTCOME", "TIER", "PURPOSE", ">ATTEMPT", ">AGE", ">COST", "WORKER");
      for (JsonNode call : calls) {
        table.row(
            Shown.line(call.path("outcome")),
            Shown.line(call.path("tier")),
            Shown.line(call.path("purpose")),
            call.path("attempt").asString(""),
            Shown.age(call.path("granted_at"), now),
            Shown.usd(call.path("cost_usd")),
            Shown.line(call.path("worker")));
      }
      return table;
    }

    private static String labels(JsonNode labels) {
      return labels.properties().stream()
          .map(it -> Shown.line(it.getKey() + "=" + it.getValue().asString("")))
          .collect(Collectors.joining(", "));
    }

    private static void block(String head, JsonNode text, Page page) {
      if (text.isString()) {
        page.out().println("\n%s\n%s".formatted(head, Shown.lines(text.asString())));
      }
    }

    private static String when(JsonNode time, Instant now) {
      return time.isString()
          ? "%s, %s ago".formatted(Shown.second(time), Shown.age(time, now))
          : Shown.NONE;
    }
  }

  static final class Status extends Question.ForPeople {

    private static final String USAGE = "_usage";

    Status() {
      super("Is it running, what is queued, what was used today.");
    }

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.get("/status");
    }

    @Override
    void show(JsonNode status, Page page) {
      String state = Shown.line(status.path("status"));
      page.line("fleet", page.terminal().painted(state, state));
      page.line(
          "gateway",
          "up for "
              + Shown.duration(Duration.ofSeconds(status.path("api_uptime_seconds").asLong(0))));
      if (!status.has("queue_size")) {
        return;
      }
      page.line("queued", status.path("queue_size").asString(""));
      page.line("running", status.path("running").asString(""));
      page.line("limited", names(status.path("limited_tiers")));
      page.line(
          "snapshot",
          status.path("last_heartbeat").isString()
              ? Shown.age(status.path("last_heartbeat"), page.now()) + " ago"
              : Shown.NONE);
      page.out().println();
      var tiers = new Table("TIER", ">CALLS TODAY", ">TOKENS TODAY");
      for (Map.Entry<String, JsonNode> field : status.properties()) {
        if (field.getKey().endsWith(USAGE)) {
          tiers.row(
              field.getKey().substring(0, field.getKey().length() - USAGE.length()),
              field.getValue().path("calls_today").asString(""),
              field.getValue().path("tokens_used").asString(""));
        }
      }
      page.print(tiers);
      page.out().println();
      var workers = new Table("ROLE", ">RUNNING", ">UP FOR", ">BEAT", "WORKER");
      for (JsonNode worker : status.path("workers")) {
        workers.row(
            Shown.line(worker.path("role")),
            "" + worker.path("running").size(),
            Shown.age(worker.path("started_at"), page.now()),
            Shown.age(worker.path("at"), page.now()),
            Shown.line(worker.path("worker")));
      }
      page.print(workers);
    }

    private static String names(JsonNode names) {
      return Shown.line(
          names.valueStream().map(it -> it.asString("")).collect(Collectors.joining(", ")));
    }
  }

  static final class Stats extends Question.ForPeople {

    private final OptionSpec by =
        option(
            "group_by",
            text("--by", "WHAT")
                .description(
                    "Add up by this as well: tier, purpose, outcome, hour, or label:NAME."));

    Stats() {
      super("Calls and cost by model and by day.");
    }

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.get(query("/ledger/stats"));
    }

    @Override
    void show(JsonNode stats, Page page) {
      print("MODEL", stats.path("by_model"), page);
      print("DAY", stats.path("by_date"), page);
      String what = by.getValue();
      if (what != null) {
        print(what.toUpperCase(Locale.ROOT), stats.path("groups"), page);
      }
      page.out()
          .println(
              "%s calls, %s"
                  .formatted(
                      stats.path("total_calls").asString(""),
                      Shown.usd(stats.path("total_cost_estimated_usd"))));
    }

    private static void print(String head, JsonNode sums, Page page) {
      var table = new Table(head, ">CALLS", ">COST");
      for (Map.Entry<String, JsonNode> sum : sums.properties()) {
        table.row(
            Shown.line(sum.getKey()),
            sum.getValue().path("calls").asString(""),
            Shown.usd(sum.getValue().path("cost")));
      }
      page.print(table);
      page.out().println();
    }
  }

  static OptionSpec.Builder text(String name, String label) {
    return OptionSpec.builder(name).paramLabel(label).type(String.class);
  }

  /// The table, or what to say instead of an empty one.
  static void printOr(String none, Table table, JsonNode answer, Question.Page page) {
    if (table.isEmpty()) {
      page.out().println(none);
      return;
    }
    page.print(table);
    if (answer.has("next")) {
      page.out().println("there are more; --limit, --since and --until choose");
    }
  }
}
