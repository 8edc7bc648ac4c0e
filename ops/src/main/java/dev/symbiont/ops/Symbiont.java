package dev.symbiont.ops;

import dev.symbiont.ops.chaos.ChaosCommand;
import dev.symbiont.ops.conformance.ConformanceCommand;
import dev.symbiont.ops.explain.ExplainCommand;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// The command line. Exit codes: 0 done, 1 the task or the check failed, 2 wrong use or wrong
/// set-up.
public final class Symbiont {

  static final int FAILED = 1;
  static final int MISUSED = 2;

  private static final Map<String, String> EXIT_CODES =
      Map.of(
          "0", "done, and all is well",
          "1", "a task or a check failed, or the gateway refused",
          "2", "wrong use or wrong set-up: a line on stderr says what to do");

  private static final List<Named> COMMANDS =
      List.of(
          Named.of(RunCommand.class, "run", "task"),
          Named.of(BatchCommand.class, "batch"),
          Named.of(UpCommand.class, "up"),
          Named.of(StartCommand.class, "start"),
          Named.of(GatewayCommands.Queue.class, "queue"),
          Named.of(ListCommands.Tasks.class, "tasks"),
          Named.of(ListCommands.Show.class, "show"),
          Named.of(FollowCommand.class, "follow"),
          Named.of(TopCommand.class, "top"),
          Named.of(GatewayCommands.Cancel.class, "cancel"),
          Named.of(ListCommands.Status.class, "status"),
          Named.of(ListCommands.Stats.class, "stats"),
          Named.of(GatewayCommands.Heartbeat.class, "heartbeat"),
          Named.of(GatewayCommands.Reconcile.class, "reconcile"),
          Named.of(TierCommands.List.class, "tiers"),
          Named.of(TierCommands.Wake.class, "wake"),
          Named.of(TierCommands.Pause.class, "pause"),
          Named.of(DeadLettersCommand.class, "dead-letters"),
          Named.of(KeysCommand.class, "keys"),
          Named.of(LedgerCommand.class, "ledger"),
          Named.of(DefinitionsCommand.class, "definitions"),
          Named.of(DoctorCommand.class, "doctor"),
          Named.of(ExplainCommand.class, "explain"),
          Named.of(ConformanceCommand.class, "conformance"),
          Named.of(ChaosCommand.class, "chaos"),
          Named.of(LauncherCommands.Bench.class, "bench"),
          Named.of(LauncherCommands.Broker.class, "broker"),
          Named.of(LauncherCommands.Login.class, "login"),
          Named.of(LauncherCommands.Test.class, "test"),
          Named.of(CompletionCommand.class, "completion"),
          Named.of(CommandLine.HelpCommand.class, "help"));

  /// Those who speak of others.
  private static final Set<String> ABOUT_ALL = Set.of("help", "completion");

  /// A command whose annotation is not read before it is asked for.
  ///
  /// @param names what it is called; others than the first do the same
  private record Named(Class<?> type, List<String> names) {

    static Named of(Class<?> type, String... names) {
      return new Named(type, List.of(names));
    }

    void addTo(CommandLine line) {
      line.addSubcommand(names.getFirst(), type, names.stream().skip(1).toArray(String[]::new));
    }
  }

  private Symbiont() {}

  public static void main(String[] args) {
    System.exit(commandLine(args).execute(args));
  }

  /// Only with the command that is asked for, if there is one of that name: to make all takes
  /// longer than most of them run.
  static CommandLine commandLine(String... arguments) {
    // Picocli would look for Groovy in each of a hundred jars.
    System.setProperty("picocli.disable.closures", "true");
    var line = new CommandLine(symbiont());
    Optional<Named> named =
        arguments.length == 0 || ABOUT_ALL.contains(arguments[0])
            ? Optional.empty()
            : COMMANDS.stream().filter(it -> it.names.contains(arguments[0])).findFirst();
    named.map(List::of).orElse(COMMANDS).forEach(it -> it.addTo(line));
    line.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    tellExitCodes(line);
    line.setExecutionExceptionHandler(
        (e, command, _) -> {
          if (e instanceof SetupException) {
            command.getErr().println("symbiont: " + e.getMessage());
            return MISUSED;
          }
          throw e;
        });
    return line;
  }

  /// Not by annotations: to read them takes a tenth of a short command's time.
  private static CommandSpec symbiont() {
    CommandSpec symbiont = CommandSpec.create().name("symbiont");
    symbiont
        .usageMessage()
        .description("Sends language-model tasks to the cheapest model that can do them.")
        .synopsisSubcommandLabel("COMMAND");
    return symbiont;
  }

  /// In the help of every command.
  private static void tellExitCodes(CommandLine line) {
    line.getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(new TreeMap<>(EXIT_CODES));
    line.getSubcommands().values().forEach(Symbiont::tellExitCodes);
  }
}
