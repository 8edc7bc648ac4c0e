package dev.symbiont.ops.explain;

import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Tier;
import dev.symbiont.dispatcher.DispatcherSettings;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Command;
import dev.symbiont.dispatcher.process.Watchdog;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.claude.ClaudeProvider;
import dev.symbiont.dispatcher.provider.claude.ClaudeSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Makes calls as a dispatcher would, but to [Scales] instead of the model's API, and without the
/// dispatcher's credentials.
final class DryRun implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String BASE_URL = "ANTHROPIC_BASE_URL";
  private static final String KEY = "ANTHROPIC_API_KEY";
  private static final Set<String> OURS = Set.of(BASE_URL, KEY, "HOME", "PATH", "LANG");

  private final DispatcherSettings settings;
  private final Path program;
  private final Path folder;
  private final Watchdog watchdog;
  private final ChildProcess child;

  /// What the task or the router says of a call.
  record Question(
      Purpose purpose, String prompt, @Nullable String system, @Nullable JsonNode jsonSchema) {}

  /// @param program the Claude CLI
  DryRun(DispatcherSettings settings, Path program) throws IOException {
    this.settings = settings;
    this.program = program;
    this.folder = Files.createTempDirectory("symbiont-explain-");
    this.watchdog = new Watchdog(folder);
    this.child = new ChildProcess(watchdog);
  }

  /// What can be said of this question to this tier, one line each.
  List<String> explain(Tier tier, Question question) throws IOException {
    if (!tier.adapter().equals("claude")) {
      return List.of("command    " + shown(tier.command()), "           (its request is its own)");
    }
    try (var scales = new Scales()) {
      Path home = Files.createTempDirectory(folder, "home-");
      var cli =
          new ClaudeSettings(
              program,
              home,
              Map.of(BASE_URL, scales.address().toString(), KEY, "none"),
              settings.systemPrompt());
      Command command;
      try (var provider = new ClaudeProvider(child, cli)) {
        command = provider.command(call(tier, question));
      }
      var _ = child.run(command, _ -> {});
      return List.of(
          "request    "
              + scales
                  .heaviest()
                  .map(DryRun::shown)
                  .orElse("none was made: is this a real Claude CLI?"),
          "command    " + shown(command.arguments()),
          "variables  " + variables(command.environment()),
          "process    " + process(tier));
    }
  }

  @Override
  public void close() throws IOException {
    child.close();
    watchdog.close();
  }

  private Call call(Tier tier, Question question) throws IOException {
    Path callFolder = Files.createTempDirectory(folder, "call-");
    return new Call(
        "explained",
        tier,
        question.purpose(),
        question.prompt(),
        question.system(),
        question.jsonSchema(),
        Isolation.PROCESS,
        () -> callFolder,
        PATIENCE,
        _ -> {});
  }

  private String process(Tier tier) {
    if (!settings.warm().enabled()) {
      return "a new one for each call (dispatcher.warm.enabled)";
    }
    return tier.isolation() == Isolation.PROCESS
        ? "started ahead, for one call (isolation: process); it is told system prompt and schema when it is taken"
        : "kept for up to %d calls, with the same flags; it is told system prompt, schema and prompt as messages"
            .formatted(settings.warm().calls());
  }

  private static String shown(Scales.Weight weight) {
    return "%,d bytes: system prompt %,d, messages %,d, tools %,d"
        .formatted(weight.total(), weight.system(), weight.messages(), weight.tools());
  }

  /// Quoted as a shell would want it.
  private static String shown(List<String> arguments) {
    return arguments.stream()
        .map(it -> it.matches("[\\w@%+=:,./{}-]+") ? it : "'" + it.replace("'", "'\\''") + "'")
        .collect(Collectors.joining(" "));
  }

  /// The fixed ones. Credentials are not shown, and the home here is not the real one.
  private String variables(Map<String, String> environment) {
    var shown = new TreeMap<>(environment);
    shown.keySet().removeAll(OURS);
    return shown.entrySet().stream()
        .map(it -> it.getKey() + "=" + it.getValue())
        .collect(
            Collectors.joining(
                " ",
                "",
                "; HOME, PATH, LANG and, where set, " + String.join(", ", settings.passOn())));
  }
}
