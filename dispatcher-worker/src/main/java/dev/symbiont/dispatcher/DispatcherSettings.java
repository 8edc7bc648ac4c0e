package dev.symbiont.dispatcher;

import dev.symbiont.dispatcher.provider.claude.WarmSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What the dispatcher is told.
///
/// @param claude the Claude CLI's executable; needed if a tier uses the claude adapter
/// @param claudeHome the CLI's home, which holds its login; never the account's own
/// @param passOn names of variables of ours that the CLI gets: its credentials and its base address
/// @param systemPrompt for tasks that bring none
/// @param tiers the tiers to work for; all if empty
/// @param maxTries calls for one attempt while the failure is transient
/// @param firstWait before the second of them; longer before each further one
/// @param stopGrace how long running calls may take to end by themselves when the worker is stopped
/// @param warm how CLI processes are kept for more than one call
/// @param workFolder where calls have their working directories
@ConfigurationProperties("symbiont.dispatcher")
public record DispatcherSettings(
    @Nullable Path claude,
    @DefaultValue("var/claude") Path claudeHome,
    @DefaultValue({
          "ANTHROPIC_API_KEY",
          "CLAUDE_CODE_OAUTH_TOKEN",
          "ANTHROPIC_BASE_URL",
          "SYMBIONT_SIMULATED",
          "SYMBIONT_SIMULATED_SECONDS",
          "SYMBIONT_SIMULATED_TRUTH"
        })
        List<String> passOn,
    @DefaultValue("Answer the task directly and completely.") String systemPrompt,
    @DefaultValue List<String> tiers,
    @DefaultValue("3") int maxTries,
    @DefaultValue("1s") Duration firstWait,
    @DefaultValue("20s") Duration stopGrace,
    @DefaultValue Warm warm,
    @DefaultValue("var/work") Path workFolder) {

  /// See [WarmSettings].
  ///
  /// @param most 0: two for each call that may be made at a time, or fewer if half of the memory
  ///   carries fewer
  public record Warm(
      @DefaultValue("true") boolean enabled,
      @DefaultValue("0") int most,
      @DefaultValue("100") int calls,
      @DefaultValue("1h") Duration age,
      @DefaultValue("5m") Duration idle) {

    WarmSettings settings(int slots) {
      int bounded = most == 0 ? Math.min(2 * slots, WarmSettings.mostByMemory()) : most;
      return new WarmSettings(enabled, bounded, calls, age, idle);
    }
  }

  public DispatcherSettings {
    if (maxTries < 1) {
      throw new IllegalArgumentException("symbiont.dispatcher.max-tries: must be positive");
    }
  }
}
