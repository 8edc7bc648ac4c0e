package dev.symbiont.ops;

import java.io.PrintWriter;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Puts one question to the running gateway and prints its answer.
abstract class Question implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  /// One whose answer has a form for people, too.
  abstract static class ForPeople extends Question {

    @Option(names = "--json", description = "Print the gateway's answer as it is.")
    private boolean json;

    abstract void show(JsonNode answer, Page page);

    @Override
    final void print(JsonNode answer, PrintWriter out) {
      if (json) {
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

  abstract Gateway.Answer ask(Gateway gateway) throws InterruptedException;

  @Override
  public Integer call() throws InterruptedException {
    Gateway.Answer answer = ask(Gateway.of(Installation.current()));
    var line = Objects.requireNonNull(spec).commandLine();
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
