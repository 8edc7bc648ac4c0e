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
import java.util.function.Supplier;
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
          Named.of(RunCommand::new, "run", "task"),
          Named.of(BatchCommand::new, "batch"),
          Named.of(UpCommand::new, "up"),
          Named.of(StartCommand::new, "start"),
          Named.of(GatewayCommands.Queue::new, "queue"),
          Named.of(ListCommands.Tasks::new, "tasks"),
          Named.of(ListCommands.Show::new, "show"),
          Named.of(FollowCommand::new, "follow"),
          Named.of(TopCommand::new, "top"),
          Named.of(GatewayCommands.Cancel::new, "cancel"),
          Named.of(ListCommands.Status::new, "status"),
          Named.of(ListCommands.Stats::new, "stats"),
          Named.of(GatewayCommands.Heartbeat::new, "heartbeat"),
          Named.of(GatewayCommands.Reconcile::new, "reconcile"),
          Named.of(TierCommands.List::new, "tiers"),
          Named.of(TierCommands.Wake::new, "wake"),
          Named.of(TierCommands.Pause::new, "pause"),
          Named.of(DeadLettersCommand::new, "dead-letters")
              .with(Named.of(ListCommands.Show::new, "show")),
          Named.of(KeysCommand::new, "keys"),
          Named.of(LedgerCommand::new, "ledger")
              .with(
                  Named.of(LedgerCommand.Verify::new, "verify"),
                  Named.of(LedgerCommand.Reindex::new, "reindex")),
          Named.of(DefinitionsCommand::new, "definitions"),
          Named.of(DoctorCommand::new, "doctor"),
          Named.of(ExplainCommand::new, "explain"),
          Named.of(ConformanceCommand::new, "conformance"),
          Named.of(ChaosCommand::new, "chaos"),
          Named.of(LauncherCommands.Bench::new, "bench"),
          Named.of(LauncherCommands.Broker::new, "broker"),
          Named.of(LauncherCommands.Login::new, "login"),
          Named.of(LauncherCommands.Test::new, "test"),
          Named.of(CompletionCommand::new, "completion"),
          Named.of(CommandLine.HelpCommand::new, "help"));

  /// Those who speak of others.
  private static final Set<String> ABOUT_ALL = Set.of("help", "completion");

  /// A command that is not made before it is asked for.
  ///
  /// @param names what it is called; others than the first do the same
  /// @param parts commands below it, beside those that its annotation names
  private record Named(Supplier<Object> command, List<String> names, List<Named> parts) {

    static Named of(Supplier<Object> command, String... names) {
      return new Named(command, List.of(names), List.of());
    }

    Named with(Named... commands) {
      return new Named(command, names, List.of(commands));
    }

    /// @param whole with its parts
    void addTo(CommandLine line, boolean whole) {
      Object made = command.get();
      var added =
          new CommandLine(made instanceof Question.ForPeople question ? question.spec() : made);
      if (whole) {
        parts.forEach(it -> it.addTo(added, true));
      }
      line.addSubcommand(names.getFirst(), added, names.stream().skip(1).toArray(String[]::new));
    }
  }

  private Symbiont() {}

  public static void main(String[] args) {
    System.exit(commandLine(args).execute(args));
  }

  /// Only with the command that is asked for, if there is one of that name, and without its parts
  /// if nothing follows: to make all takes longer than most of them run.
  static CommandLine commandLine(String... arguments) {
    // Picocli would look for Groovy in each of a hundred jars.
    System.setProperty("picocli.disable.closures", "true");
    var line = new CommandLine(symbiont());
    Optional<Named> named =
        arguments.length == 0 || ABOUT_ALL.contains(arguments[0])
            ? Optional.empty()
            : COMMANDS.stream().filter(it -> it.names.contains(arguments[0])).findFirst();
    boolean whole = named.isEmpty() || arguments.length > 1;
    named.map(List::of).orElse(COMMANDS).forEach(it -> it.addTo(line, whole));
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
