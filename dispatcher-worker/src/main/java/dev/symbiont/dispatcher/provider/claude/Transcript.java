package dev.symbiont.dispatcher.provider.claude;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallEnded.LimitWarning;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.process.Exit;
import dev.symbiont.dispatcher.provider.AnswerText;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// What the CLI printed during one call, and what it means.
///
/// Judged by exit code, `is_error` and `api_error_status` together, because `subtype` says
/// `success` on API errors too; billed from `modelUsage` and `total_cost_usd`, because `usage` is
/// zero in several cases.
final class Transcript {

  private static final String NO_PROMPT = "Input must be provided";
  private static final int SIGNAL_BASE = 128;
  private static final int TOO_MANY_REQUESTS = 429;

  /// The last result of the same process before this call, whose figures this one's include.
  private final @Nullable JsonNode before;

  private final Consumer<String> listener;
  private @Nullable JsonNode result;
  private @Nullable JsonNode limit;
  private @Nullable String model;
  private long streamedInput;
  private long streamedOutput;
  private boolean simulated;
  private final Set<String> counted = new HashSet<>();

  Transcript(@Nullable JsonNode before, Consumer<String> listener) {
    this.before = before;
    this.listener = listener;
  }

  /// The event in a line of output. Lines that hold none are noise.
  static Optional<JsonNode> event(byte[] line) {
    if (line.length == 0 || line[0] != '{') {
      return Optional.empty();
    }
    try {
      return Optional.of(Codec.mapper().readTree(line));
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }

  void read(JsonNode event) {
    simulated |= event.path("simulated").asBoolean(false);
    switch (event.path("type").asString("")) {
      case "result" -> result = event;
      case "system" -> model = event.path("model").asString(model);
      case "rate_limit_event" -> limit = event.path("rate_limit_info");
      case "stream_event" -> tell(event.path("event").path("delta"));
      case "assistant" -> count(event.path("message"));
      default -> {
        // hook, status and retry events say nothing about the outcome
      }
    }
  }

  /// Thinking and structured output come as other deltas.
  private void tell(JsonNode delta) {
    if (delta.path("type").asString("").equals("text_delta")) {
      listener.accept(delta.path("text").asString(""));
    }
  }

  /// A message comes as one event for each of its blocks, and repeats its usage in each.
  private void count(JsonNode message) {
    if (counted.add(message.path("id").asString(""))) {
      streamedInput += message.path("usage").path("input_tokens").asLong(0);
      streamedOutput += message.path("usage").path("output_tokens").asLong(0);
    }
  }

  Ending judge(Exit exit, Call call) {
    Optional<Outcome> stopped = call.outcomeIfStopped(exit);
    if (stopped.isPresent()) {
      return new Ending(stopped.get(), cutShort(call), simulated);
    }
    JsonNode end = result;
    if (end == null) {
      return new Ending(
          withoutResult(exit), neverBegan(exit) ? Usage.NONE : cutShort(call), simulated);
    }
    boolean failed = exit.code() != 0 || end.path("is_error").asBoolean(false);
    Outcome outcome = failed ? failure(end, exit) : answer(end, call);
    Usage billed = billed(end);
    // An answer that breaks the schema was paid for, though the CLI counts nothing then.
    boolean unbilled =
        billed.inputTokens() + billed.outputTokens() == 0 && streamedInput + streamedOutput > 0;
    return new Ending(outcome, unbilled ? cutShort(call) : billed, simulated, warning());
  }

  private static Outcome answer(JsonNode end, Call call) {
    JsonNode structured = end.get("structured_output");
    if (call.jsonSchema() != null && structured == null) {
      return new Outcome.Unreadable("the model did not answer with the JSON that was asked for");
    }
    return AnswerText.answered(end.path("result").asString(""), structured);
  }

  private Outcome failure(JsonNode end, Exit exit) {
    String message = AnswerText.failure(end.path("result").asString(""));
    if (end.path("subtype").asString("").equals("error_max_structured_output_retries")) {
      return new Outcome.Unreadable("the model's answer did not obey the JSON schema");
    }
    if (message.startsWith("Prompt is too long")) {
      return new Outcome.Refused(Refusal.TOO_LARGE, message);
    }
    int status = end.path("api_error_status").asInt(0);
    return switch (status) {
      case 0 -> withoutStatus(end, message, exit);
      case TOO_MANY_REQUESTS -> limited(message);
      case 401 -> unauthenticated(message);
      case 404 -> new Outcome.Refused(Refusal.UNKNOWN_MODEL, message);
      case 413 -> new Outcome.Refused(Refusal.TOO_LARGE, message);
      default ->
          status >= 500
              ? new Outcome.Overloaded(message)
              : new Outcome.Refused(Refusal.BAD_REQUEST, message);
    };
  }

  /// Without a status the CLI never got an answer of the API; its words are all there is to go by.
  private static Outcome withoutStatus(JsonNode end, String message, Exit exit) {
    if (message.contains("/login") || message.contains("Not logged in")) {
      return unauthenticated(message);
    }
    if (message.contains("connect") || message.contains("Connection")) {
      return new Outcome.Overloaded(message);
    }
    String errors = message.isEmpty() ? end.path("errors").toString() : message;
    return new Outcome.Crashed(exit.code(), CallEnded.preview(errors));
  }

  private static Outcome unauthenticated(String message) {
    return new Outcome.Unauthenticated(
        message + " (run './symbiont login', or set ANTHROPIC_API_KEY for the dispatcher)");
  }

  private @Nullable LimitWarning warning() {
    if (limit == null || !limit.path("utilization").isNumber()) {
      return null;
    }
    JsonNode resetsAt = limit.path("resetsAt");
    return new LimitWarning(
        limit.path("utilization").decimalValue(),
        resetsAt.isNumber() ? Instant.ofEpochSecond(resetsAt.asLong()) : null);
  }

  private Outcome limited(String message) {
    JsonNode info = limit;
    if (info != null && info.path("resetsAt").isNumber()) {
      Instant until = Instant.ofEpochSecond(info.path("resetsAt").asLong());
      return new Outcome.Limited(until, "resets_at", message);
    }
    return new Outcome.Limited(null, "unknown", message);
  }

  /// There was no prompt, or the program could not be run (126) or found (127).
  private boolean neverBegan(Exit exit) {
    return model == null
        && (exit.stderr().contains(NO_PROMPT) || exit.code() == 126 || exit.code() == 127);
  }

  private static Outcome withoutResult(Exit exit) {
    if (exit.stderr().contains(NO_PROMPT)) {
      return new Outcome.Refused(Refusal.BAD_REQUEST, "the prompt is empty");
    }
    String said = CallEnded.preview(exit.stderr());
    if (exit.code() == 0) {
      return new Outcome.Unreadable("the program ended without a result" + quoted(said));
    }
    String how =
        exit.code() > SIGNAL_BASE
            ? "signal %d ended the program".formatted(exit.code() - SIGNAL_BASE)
            : "the program ended with exit code %d".formatted(exit.code());
    return new Outcome.Crashed(exit.code(), how + quoted(said));
  }

  private static String quoted(String said) {
    return said.isEmpty() ? "" : ": " + said;
  }

  /// A process counts up over all its calls: the difference is this one's.
  private Usage billed(JsonNode end) {
    JsonNode earlier = before == null ? MissingNode.getInstance() : before;
    long in = 0;
    long out = 0;
    long read = 0;
    long written = 0;
    String resolved = model;
    for (Map.Entry<String, JsonNode> used : end.path("modelUsage").properties()) {
      JsonNode now = used.getValue();
      JsonNode then = earlier.path("modelUsage").path(used.getKey());
      if (now.equals(then)) {
        continue;
      }
      in += grown(now, then, "inputTokens");
      out += grown(now, then, "outputTokens");
      read += grown(now, then, "cacheReadInputTokens");
      written += grown(now, then, "cacheCreationInputTokens");
      resolved = used.getKey();
    }
    BigDecimal cost = cost(end).subtract(cost(earlier));
    return new Usage(in, out, read, written, cost, CostBasis.CLI, resolved);
  }

  private static long grown(JsonNode now, JsonNode then, String field) {
    return now.path(field).asLong(0) - then.path(field).asLong(0);
  }

  private static BigDecimal cost(JsonNode end) {
    return end.path("total_cost_usd").asDecimal(BigDecimal.ZERO);
  }

  /// A call that we ended: priced from what it had streamed, or else what was reserved for it.
  private Usage cutShort(Call call) {
    if (streamedInput + streamedOutput == 0) {
      return new Usage(0, 0, 0, 0, call.tier().typicalCostUsd(), CostBasis.UNKNOWN, model);
    }
    BigDecimal cost = call.tier().prices().cost(streamedInput, streamedOutput, 0, 0);
    return new Usage(streamedInput, streamedOutput, 0, 0, cost, CostBasis.ESTIMATED, model);
  }
}
