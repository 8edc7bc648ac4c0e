package dev.symbiont.contract;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A call that asks a model which tier a task needs. It carries the task, so that whoever gets the
/// answer can go on from there and nobody has to wait for it.
///
/// @param declined why the call was not made, once that is certain; the router then goes on without
///   it
public record Classification(
    AcceptedTask accepted,
    String tier,
    String prompt,
    String system,
    JsonNode jsonSchema,
    @Nullable String declined)
    implements Work {

  public Classification {
    InvalidFieldException.require("accepted", accepted);
    InvalidFieldException.require("tier", tier);
    InvalidFieldException.require("prompt", prompt);
    InvalidFieldException.require("system", system);
    InvalidFieldException.require("json_schema", jsonSchema);
  }

  @Override
  public String eventId() {
    return taskId() + (declined == null ? "/classify" : "/declined");
  }

  @Override
  public Purpose purpose() {
    return Purpose.CLASSIFICATION;
  }

  @Override
  public int attempt() {
    return 1;
  }

  @Override
  public int waits() {
    return 0;
  }

  @Override
  public int replay() {
    return 0;
  }

  @Override
  public @Nullable String system() {
    return system;
  }

  /// On its way back to the router without an answer.
  public Classification declined(String reason) {
    return new Classification(accepted, tier, prompt, system, jsonSchema, reason);
  }
}
