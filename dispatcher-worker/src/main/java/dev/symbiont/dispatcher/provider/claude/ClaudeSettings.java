package dev.symbiont.dispatcher.provider.claude;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// Where the CLI is and what it may see.
///
/// @param program the executable
/// @param home its HOME: never the account's own
/// @param credentials the variables that log it in, as they were when we started; never printed
/// @param systemPrompt for tasks that bring none
public record ClaudeSettings(
    Path program, Path home, Map<String, String> credentials, String systemPrompt) {

  public ClaudeSettings {
    credentials = Map.copyOf(credentials);
  }

  /// All that a call sees of the world. What is not named here does not exist for it.
  Map<String, String> environment() {
    var environment = new HashMap<>(credentials);
    environment.put("HOME", home.toString());
    environment.put("PATH", "/usr/local/bin:/usr/bin:/bin");
    environment.put("LANG", "C.UTF-8");
    // Without it every call makes a second, billed request for a session title.
    environment.put("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    // Otherwise "@/etc/passwd" in a prompt sends the file along, tools or no tools.
    environment.put("CLAUDE_CODE_DISABLE_ATTACHMENTS", "1");
    environment.put("DISABLE_AUTOUPDATER", "1");
    environment.put("DISABLE_TELEMETRY", "1");
    environment.put("DISABLE_ERROR_REPORTING", "1");
    // Repetition is ours: the CLI's own would hide up to 11 tries in one call.
    environment.put("CLAUDE_CODE_MAX_RETRIES", "0");
    environment.put("MAX_STRUCTURED_OUTPUT_RETRIES", "1");
    // A dropped stream would be sent again, and charged again.
    environment.put("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1");
    return environment;
  }

  @Override
  public String toString() {
    return "ClaudeSettings[program=%s, home=%s, credentials=%s]"
        .formatted(program, home, credentials.keySet());
  }
}
