package dev.symbiont.ops.conformance;

import dev.symbiont.contract.wire.Codec;
import dev.symbiont.hop.Broker;
import dev.symbiont.ops.Installation;
import dev.symbiont.ops.SetupException;
import java.io.PrintWriter;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// Whether the fleet at a broker keeps the contract that `docs/asyncapi.yaml` is.
@Command(
    mixinStandardHelpOptions = true,
    description = {
      "Check that the running fleet keeps the AMQP contract (docs/asyncapi.yaml), from outside: as a producer and a watcher.",
      "It costs money: about a dozen calls that ask for one word, most of them at the tier that --tier names. Tasks carry the label 'conformance', but for one that is nothing but a prompt.",
      "It leaves about twenty dead letters, which the fleet is there to keep: messages that are no tasks. Without --tier it expects the tiers of the shipped configuration.",
      "Exit code 0 if every rule holds, 1 if one does not, 2 if it could not be tried."
    })
public final class ConformanceCommand implements Callable<Integer> {

  @Parameters(
      paramLabel = "RULE",
      description =
          "Only these rules: ids such as reply.correlation, or groups such as aside. Default: all.")
  private List<String> names = List.of();

  @Option(
      names = "--broker",
      paramLabel = "URL",
      description =
          "The broker of the fleet. Default: SYMBIONT_BROKER, else the private node if it runs.")
  private @Nullable URI broker;

  @Option(
      names = "--timeout",
      defaultValue = "30s",
      converter = AsDuration.class,
      description = "How long to wait for each thing that must come. Default: ${DEFAULT-VALUE}.")
  private Duration timeout = Duration.ZERO;

  @Option(
      names = "--tier",
      defaultValue = "haiku",
      description = "A tier of the fleet that is cheap. Default: ${DEFAULT-VALUE}.")
  private String tier = "";

  @Option(names = "--json", description = "Print the verdicts as JSON.")
  private boolean json;

  @Option(names = "--list", description = "Print the rules, and try none.")
  private boolean list;

  @Spec private @Nullable CommandSpec spec;

  /// A time as the configuration has it, too.
  static final class AsDuration implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      try {
        Duration duration = DurationStyle.detectAndParse(text);
        if (duration.isPositive()) {
          return duration;
        }
      } catch (IllegalArgumentException e) {
        // Told below, as the same mistake.
      }
      throw new TypeConversionException("'%s' is no time such as 30s or 2m".formatted(text));
    }
  }

  @Override
  public Integer call() throws InterruptedException {
    List<Rule> rules = chosen();
    if (list) {
      rules.forEach(rule -> out().println(line("", rule)));
      return 0;
    }
    URI address = broker == null ? Installation.current().broker() : broker;
    List<Verdict> verdicts = new Examination(address, timeout, tier).of(rules);
    if (json) {
      printJson(address, verdicts);
    } else {
      print(verdicts);
    }
    return verdicts.stream().allMatch(Verdict::holds) ? 0 : 1;
  }

  private List<Rule> chosen() {
    for (String name : names) {
      if (Rule.all().stream().noneMatch(it -> it.isNamed(name))) {
        throw new SetupException(
            "there is no rule '%s'; ./symbiont conformance --list prints them".formatted(name));
      }
    }
    return Rule.all().stream()
        .filter(rule -> names.isEmpty() || names.stream().anyMatch(rule::isNamed))
        .toList();
  }

  private void print(List<Verdict> verdicts) {
    for (Verdict verdict : verdicts) {
      out().println(line(verdict.holds() ? "ok      " : "FAILED  ", verdict.rule()));
      verdict.why().ifPresent(why -> out().println("        because: " + why));
    }
    long failed = verdicts.stream().filter(it -> !it.holds()).count();
    out()
        .println(
            failed == 0
                ? "all %d rules hold".formatted(verdicts.size())
                : "%d of %d rules do not hold".formatted(failed, verdicts.size()));
  }

  private void printJson(URI address, List<Verdict> verdicts) {
    var report = Codec.mapper().createObjectNode().put("broker", Broker.shown(address));
    report.put("holds", verdicts.stream().allMatch(Verdict::holds));
    var rules = report.putArray("rules");
    for (Verdict verdict : verdicts) {
      var rule = rules.addObject().put("rule", verdict.rule().id());
      rule.put("says", verdict.rule().says()).put("holds", verdict.holds());
      verdict.why().ifPresent(why -> rule.put("because", why));
    }
    out().println(report.toPrettyString());
  }

  private static String line(String verdict, Rule rule) {
    return "%s%-18s %s".formatted(verdict, rule.id(), rule.says());
  }

  private PrintWriter out() {
    return Objects.requireNonNull(spec).commandLine().getOut();
  }
}
