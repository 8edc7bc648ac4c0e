package dev.symbiont.ops;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// Whether there is a Claude CLI that runs, and is logged in as far as that can be seen without
/// asking anything of it that costs.
final class ClaudeCheck {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final List<String> CREDENTIALS =
      List.of("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN");

  private final Installation installation;
  private final Findings findings;

  ClaudeCheck(Installation installation, Findings findings) {
    this.installation = installation;
    this.findings = findings;
  }

  void make() {
    Optional<Path> program;
    try {
      program = installation.claude();
    } catch (SetupException e) {
      findings.fail("cli", String.valueOf(e.getMessage()));
      return;
    }
    if (program.isEmpty()) {
      findings.fail(
          "cli",
          "no Claude CLI on the PATH; install it, or set SYMBIONT_CLAUDE to it (or to 'simulated', which makes answers up)");
      return;
    }
    version(program.get());
    login(program.get());
  }

  private void version(Path program) {
    try {
      Path output = Files.createTempFile("symbiont-doctor-", "");
      try {
        int code = run(program, output);
        String said = Files.readString(output, StandardCharsets.ISO_8859_1).strip();
        String first = said.lines().findFirst().orElse("");
        if (code == 0) {
          findings.ok("cli", "%s, %s".formatted(program, first));
        } else {
          findings.fail(
              "cli",
              "%s --version failed (%s); install it anew, or set SYMBIONT_CLAUDE to another"
                  .formatted(program, first.isEmpty() ? "exit code " + code : first));
        }
      } finally {
        Files.delete(output);
      }
    } catch (IOException e) {
      findings.fail(
          "cli",
          "%s does not run (%s); install it anew, or set SYMBIONT_CLAUDE to another"
              .formatted(program, e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// In the surroundings that a call has.
  private int run(Path program, Path output) throws IOException, InterruptedException {
    var builder =
        new ProcessBuilder(program.toString(), "--version")
            .redirectErrorStream(true)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectOutput(output.toFile());
    Map<String, String> environment = builder.environment();
    environment.clear();
    environment.put("HOME", installation.claudeHome().toString());
    environment.put("PATH", "/usr/local/bin:/usr/bin:/bin");
    environment.put("LANG", "C.UTF-8");
    environment.put("DISABLE_AUTOUPDATER", "1");
    Process process = builder.start();
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("no answer within %d s".formatted(PATIENCE.toSeconds()));
    }
    return process.exitValue();
  }

  private void login(Path program) {
    if (installation.isSimulated(program)) {
      findings.ok("login", "the simulated CLI needs none");
      return;
    }
    Optional<String> variable =
        CREDENTIALS.stream()
            .filter(it -> !installation.environment().getOrDefault(it, "").isBlank())
            .findFirst();
    Path file = installation.claudeHome().resolve(".claude/.credentials.json");
    if (variable.isPresent()) {
      findings.ok("login", "by " + variable.get());
    } else if (Files.exists(file)) {
      findings.ok("login", "by " + file);
    } else {
      findings.fail(
          "login",
          "the CLI is not logged in: there is no %s; run ./symbiont login, or set %s"
              .formatted(file, String.join(" or ", CREDENTIALS)));
    }
  }
}
