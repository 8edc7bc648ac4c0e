package dev.symbiont.dispatcher.provider.claude;

import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.Examples;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Watchdog;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import dev.symbiont.testing.StubApi;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// The real Claude CLI, in front of a stub of the model API. It sees nothing of this machine's own
/// login: its home is a temporary folder and its environment is the provider's.
final class RealClaude implements AutoCloseable {

  private static final String SETTING = "symbiont.test.claude";
  private static final Map<String, String> KEY = Map.of("ANTHROPIC_API_KEY", "test-key");
  private static final Map<String, String> TOKEN = Map.of("CLAUDE_CODE_OAUTH_TOKEN", "test-token");

  final StubApi api = StubApi.start();
  private final Path folder;
  private final Path program;
  private final Path printed;
  private final Watchdog watchdog;
  private final ChildProcess child;
  private final WarmSettings warm;

  private RealClaude(Path folder, String cli, WarmSettings warm) throws IOException {
    this.folder = folder;
    this.warm = warm;
    this.printed = Files.createDirectory(folder.resolve("printed"));
    this.watchdog = new Watchdog(Files.createDirectory(folder.resolve("watched")));
    this.child = new ChildProcess(watchdog);
    // Keeps a copy of what the CLI prints, to compare with what the provider makes of it.
    this.program =
        Files.writeString(
            folder.resolve("claude"),
            """
            #!/bin/bash
            set -o pipefail
            '%s' "$@" | tee '%s/'$$
            """
                .formatted(cli, printed));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
  }

  /// @param warm whether the CLI is started ahead, and told by messages
  static RealClaude start(Path folder, boolean warm) throws IOException {
    return start(folder, warm ? Examples.warm() : Examples.cold());
  }

  static RealClaude start(Path folder, WarmSettings warm) throws IOException {
    String cli = System.getProperty(SETTING, "");
    assumeFalse(
        cli.isEmpty(),
        "the contract with the real Claude CLI is not checked: name one with -D" + SETTING);
    return new RealClaude(folder, cli, warm);
  }

  /// Logs in with an API key.
  Ending ask(String model, String prompt) throws IOException {
    return make(KEY, api.address(), call(model, Purpose.TASK, prompt, null, null));
  }

  Ending ask(
      String model,
      Purpose purpose,
      String prompt,
      @Nullable String system,
      @Nullable JsonNode jsonSchema)
      throws IOException {
    return make(KEY, api.address(), call(model, purpose, prompt, system, jsonSchema));
  }

  Ending askWithSubscription(String model, String prompt) throws IOException {
    return make(TOKEN, api.address(), call(model, Purpose.TASK, prompt, null, null));
  }

  Ending askWithoutLogin(String model, String prompt) throws IOException {
    return make(Map.of(), api.address(), call(model, Purpose.TASK, prompt, null, null));
  }

  Ending askAt(URI address, String prompt) throws IOException {
    return make(KEY, address, call("haiku", Purpose.TASK, prompt, null, null));
  }

  /// The result event of the only call, as the CLI printed it.
  JsonNode printedResult() throws IOException {
    return lastResults().getFirst();
  }

  /// The last result event of each process that has answered.
  List<JsonNode> lastResults() throws IOException {
    var results = new ArrayList<JsonNode>();
    try (Stream<Path> files = Files.list(printed)) {
      for (Path file : files.toList()) {
        Files.readAllLines(file).stream()
            .map(Codec.mapper()::readTree)
            .filter(event -> event.path("type").asString("").equals("result"))
            .reduce((_, last) -> last)
            .ifPresent(results::add);
      }
    }
    return results;
  }

  @Override
  public void close() throws IOException {
    child.close();
    watchdog.close();
    api.close();
  }

  /// Keeps its processes; the caller closes it.
  ClaudeProvider provider() throws IOException {
    return provider(KEY, api.address());
  }

  private Ending make(Map<String, String> credentials, URI address, Call call) throws IOException {
    try (var provider = provider(credentials, address)) {
      return provider.make(call);
    }
  }

  private ClaudeProvider provider(Map<String, String> credentials, URI address) throws IOException {
    var variables = new java.util.HashMap<>(credentials);
    variables.put("ANTHROPIC_BASE_URL", address.toString());
    Path home = Files.createDirectories(folder.resolve("home"));
    var settings = new ClaudeSettings(program, home, variables, "Answer the task.");
    return new ClaudeProvider(child, settings, warm, folder);
  }

  private Call call(
      String model,
      Purpose purpose,
      String prompt,
      @Nullable String system,
      @Nullable JsonNode jsonSchema)
      throws IOException {
    Path work = Files.createTempDirectory(folder, "call-");
    return Examples.call(Examples.tier(model), purpose, prompt, system, jsonSchema, work);
  }
}
