package dev.symbiont.dispatcher;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.dispatcher.attempt.Attempt;
import dev.symbiont.dispatcher.attempt.RunningCalls;
import dev.symbiont.dispatcher.attempt.TierBoard;
import dev.symbiont.dispatcher.attempt.WorkFolder;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.claude.WarmSettings;
import dev.symbiont.hop.Traces;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Tiers, tasks and calls for tests, in which only what a test is about is spelled out.
public final class Examples {

  /// When every example task was accepted.
  public static final Instant ACCEPTED = Instant.parse("2026-01-01T00:00:00Z");

  /// What an example tier reserves for a call.
  public static final BigDecimal RESERVED = new BigDecimal("0.04");

  /// What deciding on an example task cost.
  public static final BigDecimal DECIDING = new BigDecimal("0.0003");

  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private Examples() {}

  /// A tier of the Claude adapter that paces nobody. Its tokens cost 3 and 15 dollars per million.
  public static Tier tier(String name, String... fallback) {
    return tier(name, TIMEOUT, List.of(), fallback);
  }

  /// A tier of the exec adapter.
  public static Tier execTier(Duration timeout, String... command) {
    return tier("local", timeout, List.of(command));
  }

  public static Tier tier(String name, Duration timeout, List<String> command, String... fallback) {
    return new Tier(
        name,
        command.isEmpty() ? "claude" : "exec",
        name,
        "for " + name,
        new Tier.Rate(1_000_000, Duration.ofMinutes(1)),
        1,
        timeout,
        new Tier.Prices(
            new BigDecimal(3), new BigDecimal(15), new BigDecimal("3.75"), new BigDecimal("0.3")),
        RESERVED,
        List.of(fallback),
        false,
        Tier.SlowDown.DEFAULT,
        Tier.OnUnknown.RETRY,
        Isolation.CONVERSATION,
        command);
  }

  /// haiku, sonnet, opus, each with the dearer ones to fall back to.
  public static Tiers threeTiers() {
    return new Tiers(
        List.of(tier("haiku", "sonnet", "opus"), tier("sonnet", "opus"), tier("opus")));
  }

  public static Task task(String id, String prompt, Priority priority) {
    return new Task(
        id, prompt, null, null, null, priority, null, null, null, null, null, null, Map.of(), null);
  }

  public static AcceptedTask accepted(Task task) {
    return new AcceptedTask(task, ACCEPTED, Reply.NONE, false);
  }

  /// A task on its first way to `tier`.
  public static RoutedTask routed(Task task, String tier) {
    return routed(accepted(task), tier);
  }

  public static RoutedTask routed(AcceptedTask accepted, String tier) {
    var decision = new Decision(tier, Confidence.HIGH, "an example", DecidedBy.MODEL, DECIDING);
    return RoutedTask.first(accepted, decision);
  }

  /// What the attempts of a worker called worker-1 share.
  public static Attempt.Surroundings around(Path folder, InstantSource clock, int maxTries) {
    return new Attempt.Surroundings(
        "worker-1",
        new WorkFolder(folder),
        new RunningCalls(),
        new TierBoard(),
        clock,
        new Attempt.Patience(maxTries, Duration.ofMillis(10)),
        Traces.off().tracer());
  }

  /// As by default, but on any machine.
  public static WarmSettings warm() {
    return new WarmSettings(true, 10, 100, Duration.ofHours(1), Duration.ofMinutes(5));
  }

  /// Nothing is kept for another call.
  public static WarmSettings cold() {
    return new WarmSettings(false, 1, 1, Duration.ofHours(1), Duration.ofMinutes(5));
  }

  /// A granted call at `tier` for `prompt`.
  public static Call call(Tier tier, String prompt, Path folder) {
    return call(tier, Purpose.TASK, prompt, null, null, folder);
  }

  public static Call call(
      Tier tier,
      Purpose purpose,
      String prompt,
      @Nullable String system,
      @Nullable JsonNode jsonSchema,
      Path folder) {
    return call(tier, purpose, prompt, system, jsonSchema, Isolation.CONVERSATION, folder);
  }

  public static Call call(
      Tier tier,
      Purpose purpose,
      String prompt,
      @Nullable String system,
      @Nullable JsonNode jsonSchema,
      Isolation isolation,
      Path folder) {
    return new Call(
        "task-1/haiku.1.1",
        tier,
        purpose,
        prompt,
        system,
        jsonSchema,
        isolation,
        () -> folder,
        tier.timeout(),
        _ -> {});
  }
}
