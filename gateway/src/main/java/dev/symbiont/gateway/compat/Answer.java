package dev.symbiont.gateway.compat;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.gateway.intake.Ends;
import java.util.Objects;
import tools.jackson.databind.node.ObjectNode;

/// The end of a task that was answered, as the other formats tell it.
///
/// @param text the answer; JSON if the task had a schema
record Answer(Result result, Usage usage, String text, boolean truncated) {

  /// Fails with what its caller is told if there is no answer.
  static Answer of(TaskEnded end) {
    CallEnded call = Objects.requireNonNull(Ends.successful(end).call());
    var answered = (Outcome.Answered) call.outcome();
    String text =
        answered.structured() == null ? answered.text() : answered.structured().toString();
    return new Answer(end.result(), call.usage(), text, answered.truncated());
  }

  String model() {
    return Objects.requireNonNullElse(
        result.resolvedModel(), Objects.requireNonNullElse(result.model(), ""));
  }

  /// What only Symbiont has to say.
  ObjectNode ours() {
    ObjectNode ours = Codec.mapper().valueToTree(result);
    ours.remove("result");
    return ours;
  }
}
