package dev.symbiont.ops;

import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// What the launcher does itself, before there is anything to run. It is named here for the help
/// and for completion.
final class LauncherCommands {

  private LauncherCommands() {}

  /// Anything but its help comes here only past the launcher.
  abstract static class Launched implements Callable<Integer> {

    @Override
    public final Integer call() {
      throw new SetupException("this is for the launcher: ./symbiont");
    }
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Everything that has to pass: format, static checks, tests.")
  static final class Test extends Launched {

    @Option(
        names = "--broker",
        paramLabel = "private|container|URL",
        completionCandidates = Brokers.class,
        description = "Where the tests have their broker (default: private).")
    @Nullable String broker;
  }

  private static final class Brokers implements Iterable<String> {

    @Override
    public Iterator<String> iterator() {
      return List.of("private", "container").iterator();
    }
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "The private RabbitMQ node under var/broker.")
  static final class Broker extends Launched {

    @Parameters(
        paramLabel = "start|stop|status",
        description = "Start and status print its address.")
    @Nullable Action action;

    /// What can be done with it.
    enum Action {
      START,
      STOP,
      STATUS;

      @Override
      public String toString() {
        return name().toLowerCase(Locale.ROOT);
      }
    }
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Log the Claude CLI in, in the dispatchers' own home.")
  static final class Login extends Launched {}

  @Command(
      mixinStandardHelpOptions = true,
      description = "Measure what a task costs, beside what broker and machine can do.")
  static final class Bench extends Launched {

    @Option(names = "--runs", description = "How many to take the median of.")
    int runs;

    @Option(names = "--only", description = "The parts to measure: bench --help names them.")
    String parts = "";
  }
}
