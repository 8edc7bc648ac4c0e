package dev.symbiont.ops;

import java.io.PrintWriter;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Puts one question to the running gateway and prints its answer.
abstract class Question implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  /// One whose answer has a form for people, too. Not by annotations: Java makes a class for each
  /// kind of them that is read, and that takes a fourth of the time of a command that shows a list.
  abstract static class ForPeople extends Question {

    private final OptionSpec json =
        OptionSpec.builder("--json").description("Print the gateway's answer as it is.").build();

    /// Parameters of the query, by the options that give them.
    private final Map<OptionSpec, String> parameters = new LinkedHashMap<>();

    ForPeople(String description) {
      super.spec = CommandSpec.wrapWithoutInspection(this);
      spec().usageMessage().description(description);
      spec()
          .addOption(
              OptionSpec.builder("-h", "--help")
                  .usageHelp(true)
                  .description("Show this help message and exit.")
                  .build());
      spec().addOption(json);
    }

    /// @param name of the parameter that it gives
    final OptionSpec option(String name, OptionSpec.Builder builder) {
      OptionSpec option = builder.build();
      parameters.put(option, name);
      spec().addOption(option);
      return option;
    }

    /// With what its options give.
    final String query(String path) {
      Query query = Query.of(path);
      parameters.forEach((option, name) -> query.with(name, option.getValue()));
      return query.toString();
    }

    abstract void show(JsonNode answer, Page page);

    @Override
    final void print(JsonNode answer, PrintWriter out) {
      if (Boolean.TRUE.equals(json.getValue())) {
        super.print(answer, out);
      } else {
        show(answer, new Page(out, Terminal.current(), Instant.now()));
      }
    }
  }

  /// What an answer is printed on.
  ///
  /// @param now what ages are counted from
  record Page(PrintWriter out, Terminal terminal, Instant now) {

    void line(String name, String text) {
      out.println("%-10s%s".formatted(name, text));
    }

    void print(Table table) {
      table.print(out, terminal);
    }
  }

  final CommandSpec spec() {
    return Objects.requireNonNull(spec);
  }

  abstract Gateway.Answer ask(Gateway gateway) throws InterruptedException;

  @Override
  public Integer call() throws InterruptedException {
    Gateway.Answer answer = ask(Gateway.of(Installation.current()));
    var line = spec().commandLine();
    if (answer.isError()) {
      line.getErr().println("symbiont: " + answer.detail());
      return Symbiont.FAILED;
    }
    print(answer.body(), line.getOut());
    return isFine(answer.body()) ? 0 : Symbiont.FAILED;
  }

  void print(JsonNode answer, PrintWriter out) {
    out.println(answer.toPrettyString());
  }

  /// Whether the answer is good news.
  boolean isFine(JsonNode answer) {
    return true;
  }
}
