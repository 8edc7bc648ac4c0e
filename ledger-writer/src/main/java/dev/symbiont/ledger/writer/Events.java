package dev.symbiont.ledger.writer;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CancelRequested;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.LedgerAnswer.TaskEvent;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TriedTier;
import dev.symbiont.contract.wire.Codec;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Steps as those see them who watch: without what only the fleet needs.
final class Events {

  private Events() {}

  static TaskEvent of(long id, Instant at, Step step) {
    return switch (step) {
      case AcceptedTask accepted ->
          event(id, at, step, "accepted", Map.of("priority", accepted.task().priority()));
      case Classification question when question.declined() == null ->
          event(id, at, step, "classifying", Map.of("tier", question.tier()));
      case Classification question ->
          event(id, at, step, "declined", some("reason", question.declined()));
      case RoutedTask task when task.waitsFor() == null -> {
        var data = some("tier", task.tier(), "attempt", task.attempt());
        data.putAll(why(task));
        data.putAll(call(task.endedCall()));
        yield event(id, at, step, "routed", data);
      }
      case RoutedTask task -> {
        var data = some("tier", task.tier(), "until", task.waitsUntil());
        data.put("reason", task.waitsFor());
        data.putAll(call(task.endedCall()));
        yield event(id, at, step, "waiting", data);
      }
      case CallGranted call -> {
        var data = some("call_id", call.callId(), "purpose", call.purpose());
        data.put("tier", call.tier());
        data.put("attempt", call.attempt());
        yield event(id, at, step, "started", data);
      }
      case CallEnded call -> event(id, at, step, "call_ended", call(call));
      case TaskEnded end -> event(id, at, step, end.state().wire(), end.result());
      case SetAside aside -> event(id, at, step, "set_aside", some("reason", aside.reason()));
      case CancelRequested _ -> event(id, at, step, "cancel_requested", Map.of());
      case Discarded gone -> event(id, at, step, "discarded", some("reason", gone.reason()));
    };
  }

  /// Why a task goes where it goes: it was decided so, or it has been elsewhere.
  private static Map<String, @Nullable Object> why(RoutedTask task) {
    if (task.tried().isEmpty()) {
      return some("decided_by", task.decision().decidedBy(), "reason", task.decision().reason());
    }
    TriedTier last = task.tried().getLast();
    return some("reason", "%s: %s, %s".formatted(last.tier(), last.outcome(), last.message()));
  }

  private static TaskEvent event(long id, Instant at, Step step, String name, Object data) {
    return new TaskEvent(id, step.taskId(), name, at, Codec.mapper().valueToTree(data));
  }

  private static Map<String, @Nullable Object> call(@Nullable CallEnded call) {
    return call == null
        ? Map.of()
        : some(
            "call_id",
            call.callId(),
            "outcome",
            call.outcome().kind(),
            "cost_usd",
            call.usage().costUsd());
  }

  /// Names and values.
  private static Map<String, @Nullable Object> some(@Nullable Object... pairs) {
    var map = new LinkedHashMap<String, @Nullable Object>();
    for (int i = 0; i < pairs.length; i += 2) {
      if (pairs[i + 1] != null) {
        map.put(String.valueOf(pairs[i]), pairs[i + 1]);
      }
    }
    return map;
  }
}
