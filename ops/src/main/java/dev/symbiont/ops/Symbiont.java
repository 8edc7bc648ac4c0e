package dev.symbiont.ops;

import dev.symbiont.ops.chaos.ChaosCommand;
import dev.symbiont.ops.conformance.ConformanceCommand;
import dev.symbiont.ops.explain.ExplainCommand;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Command;
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

  private static final List<Class<?>> COMMANDS =
      List.of(
          RunCommand.class,
          BatchCommand.class,
          UpCommand.class,
          StartCommand.class,
          GatewayCommands.Queue.class,
          ListCommands.Tasks.class,
          ListCommands.Show.class,
          FollowCommand.class,
          TopCommand.class,
          GatewayCommands.Cancel.class,
          ListCommands.Status.class,
          ListCommands.Stats.class,
          GatewayCommands.Heartbeat.class,
          GatewayCommands.Reconcile.class,
          TierCommands.List.class,
          TierCommands.Wake.class,
          TierCommands.Pause.class,
          DeadLettersCommand.class,
          KeysCommand.class,
          LedgerCommand.class,
          DefinitionsCommand.class,
          DoctorCommand.class,
          ExplainCommand.class,
          ConformanceCommand.class,
          ChaosCommand.class,
          LauncherCommands.Bench.class,
          LauncherCommands.Broker.class,
          LauncherCommands.Login.class,
          LauncherCommands.Test.class,
          CompletionCommand.class,
          CommandLine.HelpCommand.class);

  /// Those who speak of others.
  private static final Set<String> ABOUT_ALL = Set.of("help", "completion");

  private Symbiont() {}

  public static void main(String[] args) {
    // Picocli would look for Groovy in each of a hundred jars.
    System.setProperty("picocli.disable.closures", "true");
    System.exit(commandLine(args).execute(args));
  }

  /// Only with the command that is asked for, if there is one of that name: to make all takes
  /// longer than most of them run.
  static CommandLine commandLine(String... arguments) {
    var line = new CommandLine(symbiont());
    Optional<Class<?>> named =
        arguments.length == 0 || ABOUT_ALL.contains(arguments[0])
            ? Optional.empty()
            : COMMANDS.stream().filter(it -> isCalled(arguments[0], it)).findFirst();
    named.<List<Class<?>>>map(List::of).orElse(COMMANDS).forEach(line::addSubcommand);
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

  private static boolean isCalled(String name, Class<?> command) {
    Command declared = Objects.requireNonNull(command.getAnnotation(Command.class));
    return declared.name().equals(name) || List.of(declared.aliases()).contains(name);
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
