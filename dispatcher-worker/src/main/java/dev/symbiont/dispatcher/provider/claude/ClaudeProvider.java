package dev.symbiont.dispatcher.provider.claude;

import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Usage;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Command;
import dev.symbiont.dispatcher.process.Exit;
import dev.symbiont.dispatcher.provider.Arguments;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import dev.symbiont.dispatcher.provider.Provider;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Calls the Claude Code CLI with nothing that a plain answer does not need: no tools, no settings
/// files, no MCP servers, no session files.
///
/// Processes are kept for more than one call where that is wanted and the CLI takes part; otherwise
/// each call is a process of its own.
public final class ClaudeProvider implements Provider {

  private static final String CLASSIFICATION_OUTPUT_TOKENS = "512";

  private final ChildProcess child;
  private final ClaudeSettings settings;
  private final @Nullable WarmPool pool;

  /// @param folder where processes run that are kept
  public ClaudeProvider(
      ChildProcess child, ClaudeSettings settings, WarmSettings warm, Path folder) {
    this.child = child;
    this.settings = settings;
    this.pool =
        warm.enabled()
            ? new WarmPool(kind -> new WarmProcess(child, warmCommand(kind, folder)), warm)
            : null;
  }

  /// Each call is a process of its own.
  public ClaudeProvider(ChildProcess child, ClaudeSettings settings) {
    this.child = child;
    this.settings = settings;
    this.pool = null;
  }

  @Override
  public Ending make(Call call) {
    Optional<Outcome> refusal = Arguments.refusal(arguments(call));
    if (call.prompt().isBlank()) {
      refusal = Optional.of(new Outcome.Refused(Refusal.BAD_REQUEST, "the prompt is empty"));
    }
    if (refusal.isPresent()) {
      return new Ending(refusal.get(), Usage.NONE, false);
    }
    try {
      Optional<Ending> ending = Optional.empty();
      if (pool != null) {
        ending = warm(pool, call);
      }
      return ending.isPresent() ? ending.get() : cold(call);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Ending(
          new Outcome.Cancelled("the worker was stopped before the call"), Usage.NONE, false);
    } catch (IOException e) {
      return new Ending(
          new Outcome.Crashed(
              -1, "%s cannot be started: %s".formatted(settings.program(), e.getMessage())),
          Usage.NONE,
          false);
    }
  }

  @Override
  public void close() {
    if (pool != null) {
      pool.close();
    }
  }

  private Optional<Ending> warm(WarmPool processes, Call call) throws InterruptedException {
    var kind = new WarmPool.Kind(call.tier().model(), call.purpose());
    var shape = new WarmPool.Shape(kind, system(call), call.jsonSchema());
    boolean untouched = call.isolation() == Isolation.PROCESS;
    Optional<WarmProcess> process = processes.take(shape, untouched);
    try {
      return process.map(it -> it.ask(call, input(call)));
    } finally {
      process.ifPresent(it -> processes.giveBack(it, shape, untouched));
    }
  }

  private Ending cold(Call call) throws IOException {
    var transcript = new Transcript(null, call.listener());
    Exit exit =
        child.run(command(call), line -> Transcript.event(line).ifPresent(transcript::read));
    return transcript.judge(exit, call);
  }

  /// The program that makes this call, if it is a process of its own. A process that is kept runs
  /// with the same flags, and is told system prompt, schema and prompt as messages.
  public Command command(Call call) {
    List<String> arguments = arguments(call);
    arguments.add("--disable-slash-commands");
    return new Command(
        arguments, environment(call.purpose()), call.folder().get(), input(call), call.timeout());
  }

  /// The CLI takes a prompt that begins with a slash for a command of its own, even when told not
  /// to, and answers without asking any model. A line break before it makes it a prompt.
  private static String input(Call call) {
    return call.prompt().startsWith("/") ? "\n" + call.prompt() : call.prompt();
  }

  /// What it is told later replaces the system prompt.
  private Command warmCommand(WarmPool.Kind kind, Path folder) {
    List<String> arguments = arguments(kind.purpose(), kind.model(), settings.systemPrompt(), null);
    arguments.addAll(List.of("--input-format", "stream-json"));
    return new Command(arguments, environment(kind.purpose()), folder, "", Duration.ZERO);
  }

  private String system(Call call) {
    return call.system() == null ? settings.systemPrompt() : call.system();
  }

  private List<String> arguments(Call call) {
    return arguments(call.purpose(), call.tier().model(), system(call), call.jsonSchema());
  }

  private List<String> arguments(
      Purpose purpose, String model, String system, @Nullable JsonNode jsonSchema) {
    var arguments =
        new ArrayList<>(
            List.of(
                settings.program().toString(),
                "-p",
                "--model",
                model,
                "--output-format",
                "stream-json",
                "--verbose",
                "--tools",
                "",
                "--system-prompt",
                system,
                "--strict-mcp-config",
                "--setting-sources",
                "",
                "--no-session-persistence"));
    if (purpose == Purpose.TASK) {
      arguments.add("--include-partial-messages");
    }
    if (jsonSchema != null) {
      arguments.add("--json-schema");
      arguments.add(jsonSchema.toString());
    }
    return arguments;
  }

  private Map<String, String> environment(Purpose purpose) {
    var environment = settings.environment();
    if (purpose == Purpose.CLASSIFICATION) {
      environment.put("MAX_THINKING_TOKENS", "0");
      environment.put("CLAUDE_CODE_MAX_OUTPUT_TOKENS", CLASSIFICATION_OUTPUT_TOKENS);
    }
    return environment;
  }
}
