package dev.symbiont.gateway.intake;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.LedgerAnswer.CallView;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The answer of `GET /tasks/{id}`.
///
/// @param tier where it is, or was last
/// @param waitsUntil when a waiting task goes on, as far as that is known
/// @param reason why it was set aside or waits, if it does
/// @param result its end, once it has one, with the same fields as the answer of `POST /task`
@JsonInclude(JsonInclude.Include.NON_NULL)
record TaskDocument(
    String id,
    TaskState status,
    @Nullable String task,
    @Nullable Instant createdAt,
    @Nullable Instant endedAt,
    @Nullable String tier,
    @Nullable Decision decision,
    Map<String, String> labels,
    List<CallView> calls,
    @Nullable Instant waitsUntil,
    @Nullable String reason,
    @Nullable Result result) {

  static TaskDocument of(TaskView view) {
    TaskEnded end = view.end();
    return new TaskDocument(
        view.id(),
        view.state(),
        view.task(),
        view.acceptedAt(),
        view.endedAt(),
        view.tier(),
        view.decision(),
        view.labels(),
        view.calls(),
        view.waitsUntil(),
        view.reason(),
        end == null ? null : end.result());
  }
}
