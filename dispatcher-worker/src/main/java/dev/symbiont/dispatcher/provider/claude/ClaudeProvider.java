package dev.symbiont.dispatcher.provider.claude;

import dev.symbiont.contract.Outcome;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Calls the Claude Code CLI, one process per call, with nothing that a plain answer does not need:
/// no tools, no settings files, no MCP servers, no session files.
public final class ClaudeProvider implements Provider {

  private static final String CLASSIFICATION_OUTPUT_TOKENS = "512";

  private final ChildProcess child;
  private final ClaudeSettings settings;

  public ClaudeProvider(ChildProcess child, ClaudeSettings settings) {
    this.child = child;
    this.settings = settings;
  }

  @Override
  public Ending make(Call call) {
    List<String> arguments = arguments(call);
    Optional<Outcome> refusal = Arguments.refusal(arguments);
    if (refusal.isPresent()) {
      return new Ending(refusal.get(), Usage.NONE, false);
    }
    var transcript = new Transcript();
    var command =
        new Command(arguments, environment(call), call.folder(), input(call), call.timeout());
    try {
      Exit exit = child.run(command, transcript::read);
      return transcript.judge(exit, call);
    } catch (IOException e) {
      return new Ending(
          new Outcome.Crashed(
              -1, "%s cannot be started: %s".formatted(settings.program(), e.getMessage())),
          Usage.NONE,
          false);
    }
  }

  /// The CLI takes a prompt that begins with a slash for a command of its own, even when told not
  /// to, and answers without asking any model. A line break before it makes it a prompt.
  private static String input(Call call) {
    return call.prompt().startsWith("/") ? "\n" + call.prompt() : call.prompt();
  }

  private List<String> arguments(Call call) {
    String system = call.system() == null ? settings.systemPrompt() : call.system();
    var arguments =
        new ArrayList<>(
            List.of(
                settings.program().toString(),
                "-p",
                "--model",
                call.tier().model(),
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
                "--no-session-persistence",
                "--disable-slash-commands"));
    if (call.jsonSchema() != null) {
      arguments.add("--json-schema");
      arguments.add(call.jsonSchema().toString());
    }
    return arguments;
  }

  private Map<String, String> environment(Call call) {
    var environment = settings.environment();
    if (call.purpose() == Purpose.CLASSIFICATION) {
      environment.put("MAX_THINKING_TOKENS", "0");
      environment.put("CLAUDE_CODE_MAX_OUTPUT_TOKENS", CLASSIFICATION_OUTPUT_TOKENS);
    }
    return environment;
  }
}
