package dev.symbiont.contract;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A call that asks a model which tier a task needs. It carries the task, so that whoever gets the
/// answer can go on from there and nobody has to wait for it.
public record Classification(
    AcceptedTask accepted, String tier, String prompt, String system, JsonNode jsonSchema)
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
    return taskId() + "/classify";
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
  public int replay() {
    return 0;
  }

  @Override
  public @Nullable String system() {
    return system;
  }
}
