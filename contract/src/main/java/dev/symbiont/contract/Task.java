package dev.symbiont.contract;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What a caller asks for. Only [#task()] is required.
///
/// @param id the caller's own id for the task; a second task with the same id is the same task
/// @param task the prompt
/// @param forceTier the tier to use, whatever the router would say
/// @param allowFallback whether another tier may answer when the chosen one cannot; yes if absent
/// @param allowDowngrade whether that may be a cheaper one; as the tier says if absent
/// @param deadline the task is not called after this moment
/// @param timeoutSeconds how long one call may take; as the tier says if absent or longer
/// @param maxCostUsd what all its calls may cost: none begins that could exceed it
/// @param isolation from other tasks; as the tier says if absent
/// @param system the system prompt
/// @param jsonSchema the answer is JSON that obeys this schema
/// @param webhook address that is called when the task ends
public record Task(
    @Nullable String id,
    String task,
    @Nullable String forceTier,
    @Nullable Boolean allowFallback,
    @Nullable Boolean allowDowngrade,
    Priority priority,
    @Nullable Instant deadline,
    @Nullable Integer timeoutSeconds,
    @Nullable BigDecimal maxCostUsd,
    @Nullable Isolation isolation,
    @Nullable String system,
    @Nullable JsonNode jsonSchema,
    Map<String, String> labels,
    @Nullable String webhook)
    implements Message {

  /// The largest task message, in bytes.
  public static final int MAX_BYTES = 2 * 1024 * 1024;

  /// How the names of labels begin that the fleet itself adds.
  public static final String RESERVED_LABELS = "symbiont.";

  static final String RESERVED_LABELS_PROBLEM =
      "names that begin with '%s' are the fleet's own".formatted(RESERVED_LABELS);

  private static final int MAX_LABELS = 64;
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,127}");

  @SuppressWarnings("ConstantValue") // JSON may leave out any field, whatever its type says
  public Task {
    if (task == null || task.isBlank()) {
      throw new InvalidFieldException("task", "is required and must not be empty");
    }
    requireText("task", task);
    if (id != null && !ID.matcher(id).matches()) {
      throw new InvalidFieldException("id", "must match " + ID.pattern());
    }
    if (system != null) {
      requireText("system", system);
    }
    if (jsonSchema != null) {
      if (!jsonSchema.isObject()) {
        throw new InvalidFieldException("json_schema", "must be a JSON object");
      }
      JsonBounds.problem(jsonSchema)
          .ifPresent(
              problem -> {
                throw new InvalidFieldException("json_schema", problem);
              });
    }
    if (maxCostUsd != null && maxCostUsd.signum() <= 0) {
      throw new InvalidFieldException("max_cost_usd", "must be positive");
    }
    if (maxCostUsd != null) {
      JsonBounds.problem(maxCostUsd)
          .ifPresent(
              problem -> {
                throw new InvalidFieldException("max_cost_usd", problem);
              });
    }
    if (timeoutSeconds != null && timeoutSeconds <= 0) {
      throw new InvalidFieldException("timeout_seconds", "must be positive");
    }
    if (webhook != null) {
      Webhook.requireUrl("webhook", webhook);
    }
    priority = Objects.requireNonNullElse(priority, Priority.NORMAL);
    if (labels != null && labels.values().stream().anyMatch(Objects::isNull)) {
      throw new InvalidFieldException("labels", "must be strings");
    }
    // In the order of their names, so that the same task is always written in the same way.
    labels =
        labels == null || labels.isEmpty()
            ? Map.of()
            : Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    if (labels.size() > MAX_LABELS) {
      throw new InvalidFieldException("labels", "at most " + MAX_LABELS + " are allowed");
    }
  }

  /// A task with a prompt and nothing else.
  public static Task of(String prompt) {
    return new Task(
        null,
        prompt,
        null,
        null,
        null,
        Priority.NORMAL,
        null,
        null,
        null,
        null,
        null,
        null,
        Map.of(),
        null);
  }

  public Task withId(@Nullable String newId) {
    return new Task(
        newId,
        task,
        forceTier,
        allowFallback,
        allowDowngrade,
        priority,
        deadline,
        timeoutSeconds,
        maxCostUsd,
        isolation,
        system,
        jsonSchema,
        labels,
        webhook);
  }

  public Task withForceTier(@Nullable String tier) {
    return new Task(
        id,
        task,
        tier,
        allowFallback,
        allowDowngrade,
        priority,
        deadline,
        timeoutSeconds,
        maxCostUsd,
        isolation,
        system,
        jsonSchema,
        labels,
        webhook);
  }

  /// The same for another go: with another prompt if one is given, and without the deadline, which
  /// has been missed or soon will be.
  public Task again(@Nullable String prompt) {
    return new Task(
        id,
        prompt == null ? task : prompt,
        forceTier,
        allowFallback,
        allowDowngrade,
        priority,
        null,
        timeoutSeconds,
        maxCostUsd,
        isolation,
        system,
        jsonSchema,
        labels,
        webhook);
  }

  /// The same with these labels as well.
  public Task withLabels(Map<String, String> more) {
    var all = new TreeMap<>(labels);
    all.putAll(more);
    return new Task(
        id,
        task,
        forceTier,
        allowFallback,
        allowDowngrade,
        priority,
        deadline,
        timeoutSeconds,
        maxCostUsd,
        isolation,
        system,
        jsonSchema,
        all,
        webhook);
  }

  /// For what comes from outside.
  public Task requireNoReservedLabels() {
    if (labels.keySet().stream().anyMatch(it -> it.startsWith(RESERVED_LABELS))) {
      throw new InvalidFieldException("labels", RESERVED_LABELS_PROBLEM);
    }
    return this;
  }

  public boolean mayFallBack() {
    return allowFallback == null || allowFallback;
  }

  /// Half a surrogate pair has no UTF-8 form, so such a text could come in but never go on.
  private static void requireText(String field, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw new InvalidFieldException(field, "holds half a surrogate pair at character " + i);
      }
    }
  }
}
