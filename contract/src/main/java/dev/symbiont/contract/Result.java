package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// The end of a task as its caller sees it: the answer of `POST /task`, of `GET /tasks/{id}`, and
/// what a producer finds in its reply queue. Fields without a value are left out.
///
/// @param task the prompt; left out where the caller has it anyway
/// @param model the model name that answered
/// @param estimatedCostUsd of the call that answered, as the API would bill it
/// @param totalCostUsd of all calls made for the task, the classification included
/// @param simulated true when the answer was made up by the simulated program
/// @param error why there is no answer
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Result(
    String id,
    @Nullable String task,
    @Nullable String model,
    @Nullable String result,
    @Nullable BigDecimal elapsedSeconds,
    @Nullable Long inputTokens,
    @Nullable Long outputTokens,
    @Nullable BigDecimal estimatedCostUsd,
    Instant timestamp,
    TaskState status,
    @Nullable String tier,
    @Nullable String resolvedModel,
    @Nullable JsonNode structuredOutput,
    @Nullable Boolean truncated,
    BigDecimal totalCostUsd,
    @Nullable Decision decision,
    List<TriedTier> tried,
    boolean simulated,
    @Nullable String error)
    implements Message {

  /// The largest answer text, in bytes of UTF-8; a longer one is cut, and said to be.
  public static final int MAX_BYTES = 4 * 1024 * 1024;

  public Result withTask(String prompt) {
    return new Result(
        id,
        prompt,
        model,
        result,
        elapsedSeconds,
        inputTokens,
        outputTokens,
        estimatedCostUsd,
        timestamp,
        status,
        tier,
        resolvedModel,
        structuredOutput,
        truncated,
        totalCostUsd,
        decision,
        tried,
        simulated,
        error);
  }

  static Result withoutAnswer(TaskEnded end) {
    return new Result(
        end.taskId(),
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        end.endedAt().truncatedTo(ChronoUnit.SECONDS),
        end.state(),
        null,
        null,
        null,
        null,
        end.totalCostUsd(),
        end.decision(),
        end.tried(),
        end.call() != null && end.call().simulated(),
        end.reason());
  }
}
