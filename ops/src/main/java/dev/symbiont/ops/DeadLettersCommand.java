package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.PrintWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// What was set aside: looked at as often as one likes, and then replayed or discarded.
@Command(
    mixinStandardHelpOptions = true,
    description = "What was set aside: list, show, group, replay, discard, export.",
    subcommands = {
      DeadLettersCommand.ListLetters.class,
      DeadLettersCommand.Group.class,
      DeadLettersCommand.Replay.class,
      DeadLettersCommand.Discard.class,
      DeadLettersCommand.Export.class
    })
final class DeadLettersCommand implements Callable<Integer> {

  private static final int MOST = 1_000;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    return Objects.requireNonNull(spec).commandLine().execute("list");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "One line each, newest first: id, when, calls and their cost, tier, reason.")
  static final class ListLetters implements Callable<Integer> {

    @Option(names = "--limit", defaultValue = "100")
    private int limit;

    @Option(names = "--cause", description = "Only those with this cause, as 'group' prints it.")
    private @Nullable String cause;

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      JsonNode answer = letters(limit, cause);
      for (JsonNode letter : answer.path("dead_letters")) {
        out.println(
            "%s  %s  %d calls $%s  %s  %s"
                .formatted(
                    letter.path("id").asString(),
                    letter.path("at").asString("-"),
                    letter.path("calls").path("calls").asLong(),
                    letter.path("calls").path("cost").decimalValue().toPlainString(),
                    letter.path("tier").asString("-"),
                    letter.path("reason").asString()));
      }
      out.println("%d in all".formatted(answer.path("total").asLong()));
      return 0;
    }
  }

  @Command(
      name = "group",
      mixinStandardHelpOptions = true,
      description = "How many there are for each cause.")
  static final class Group implements Callable<Integer> {

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      for (Map.Entry<String, JsonNode> cause : letters(1, null).path("by_cause").properties()) {
        out.println("%6d  %s".formatted(cause.getValue().asLong(), cause.getKey()));
      }
      return 0;
    }
  }

  @Command(
      name = "export",
      mixinStandardHelpOptions = true,
      description = "Everything known of each, as JSON Lines: prompt, decision, calls, reason.")
  static final class Export implements Callable<Integer> {

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      Gateway gateway = gateway();
      for (JsonNode letter : letters(MOST, null).path("dead_letters")) {
        out.println(gateway.get(Query.task(letter.path("id").asString())).orFail());
      }
      return 0;
    }
  }

  @Command(
      name = "replay",
      mixinStandardHelpOptions = true,
      description =
          "Send it on again: to the tier it was meant for, to another, or with another prompt.")
  static final class Replay extends Question {

    @Parameters(paramLabel = "ID")
    private String id = "";

    @Option(names = "--tier", paramLabel = "TIER")
    private @Nullable String tier;

    @Option(names = "--prompt", paramLabel = "PROMPT", description = "Use this prompt instead.")
    private @Nullable String prompt;

    @Override
    Gateway.Answer ask(Gateway gateway) {
      var body = Codec.mapper().createObjectNode();
      if (tier != null) {
        body.put("tier", tier);
      }
      if (prompt != null) {
        body.put("task", prompt);
      }
      return gateway.post("/dead-letters/%s/replay".formatted(encoded(id)), body);
    }
  }

  @Command(
      name = "discard",
      mixinStandardHelpOptions = true,
      description = "Leave it set aside for good, and out of this list.")
  static final class Discard extends Question {

    @Parameters(paramLabel = "ID")
    private String id = "";

    @Override
    Gateway.Answer ask(Gateway gateway) {
      return gateway.delete("/dead-letters/" + encoded(id));
    }
  }

  private static JsonNode letters(int limit, @Nullable String cause) {
    return gateway()
        .get(Query.of("/dead-letters").with("limit", limit).with("cause", cause).toString())
        .orFail();
  }

  private static Gateway gateway() {
    return Gateway.of(Installation.current());
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
