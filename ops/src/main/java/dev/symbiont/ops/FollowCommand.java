package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// What happens, as it happens. When the gateway goes away it waits for it, or for another at the
/// same address, and goes on after the last event that it has seen.
@Command(
    mixinStandardHelpOptions = true,
    description = {
      "What happens to a task until its end, or to all tasks from now on: one line for each event.",
      "A gateway that goes away is waited for. Exit code 0 if the task succeeded, 1 if it ended otherwise."
    })
final class FollowCommand implements Callable<Integer> {

  private static final long PAUSE_MILLIS = 500;
  private static final Set<String> ENDS =
      Set.of("succeeded", "failed", "cancelled", "expired", "set_aside");
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");

  @Parameters(paramLabel = "ID", arity = "0..1", description = "A task; all of them if absent.")
  private @Nullable String id;

  @Option(names = "--json", description = "Print each event as the gateway sends it.")
  private boolean json;

  @Spec private @Nullable CommandSpec spec;

  private final Terminal terminal = Terminal.current();
  private String last = "";

  @Override
  public Integer call() throws InterruptedException {
    Gateway gateway = Gateway.of(Installation.current());
    String path = id == null ? "/events" : Query.task(id) + "/events";
    Gateway.Events events = gateway.events(path, last);
    if (events.refusal() != null) {
      err().println("symbiont: " + events.refusal());
      return Symbiont.FAILED;
    }
    while (true) {
      Optional<String> end = read(events);
      if (end.isPresent()) {
        return end.get().equals("succeeded") ? 0 : Symbiont.FAILED;
      }
      err().println("symbiont: the gateway at %s has gone; waiting".formatted(gateway.address()));
      events = reconnected(gateway, path);
      err().println("symbiont: it is back");
    }
  }

  private Gateway.Events reconnected(Gateway gateway, String path) throws InterruptedException {
    while (true) {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      try {
        Gateway.Events events = gateway.events(path, last);
        // It may not reach the ledger yet.
        if (events.refusal() == null) {
          return events;
        }
      } catch (SetupException e) {
        // Not yet.
      }
    }
  }

  /// Prints what comes until there is no more, and returns how the task has ended, if it has.
  private Optional<String> read(Gateway.Events events) {
    try (BufferedReader lines = events.lines()) {
      String data = "";
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("id: ")) {
          last = line.substring("id: ".length());
        } else if (line.startsWith("data: ")) {
          data = line.substring("data: ".length());
        } else if (line.isEmpty() && !data.isEmpty()) {
          JsonNode event = Codec.mapper().readTree(data);
          out().println(json ? data : shown(event));
          String name = event.path("event").asString("");
          if (id != null && ENDS.contains(name)) {
            return Optional.of(name);
          }
          data = "";
        }
      }
    } catch (IOException e) {
      // It has gone in the middle of a line: the next one sends this event again.
    }
    return Optional.empty();
  }

  private String shown(JsonNode event) {
    String name = Shown.line(event.path("event"));
    String task = id == null ? Shown.line(event.path("task_id")) + "  " : "";
    String details = details(event.path("data"));
    return "%s  %s%s  %s"
        .formatted(
            clock(event.path("at").asString("")),
            task,
            terminal.painted(name, "%-11s".formatted(name)),
            details)
        .stripTrailing();
  }

  /// What is worth a line: of an end its cost and its error, and not the answer.
  private static String details(JsonNode data) {
    return Stream.of(
            "tier",
            "priority",
            "purpose",
            "attempt",
            "outcome",
            "decided_by",
            "until",
            "cost_usd",
            "total_cost_usd",
            "reason",
            "error")
        .filter(data::hasNonNull)
        .map(
            name ->
                switch (name) {
                  case "tier", "outcome", "reason", "error" -> Shown.line(data.path(name));
                  case "cost_usd", "total_cost_usd" -> Shown.usd(data.path(name));
                  default -> name.replace('_', ' ') + " " + Shown.line(data.path(name));
                })
        .collect(Collectors.joining(", "));
  }

  private static String clock(String at) {
    try {
      return CLOCK.format(LocalTime.ofInstant(Instant.parse(at), ZoneId.systemDefault()));
    } catch (DateTimeParseException e) {
      return Shown.NONE;
    }
  }

  private PrintWriter out() {
    return Objects.requireNonNull(spec).commandLine().getOut();
  }

  private PrintWriter err() {
    return Objects.requireNonNull(spec).commandLine().getErr();
  }
}
