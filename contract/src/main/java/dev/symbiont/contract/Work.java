package dev.symbiont.contract;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What a dispatcher finds in a tier's queue: a call to make, with all that it needs.
public sealed interface Work extends Step permits RoutedTask, Classification {

  AcceptedTask accepted();

  String tier();

  Purpose purpose();

  /// Which try at a tier this is, from 1; a classification has one only.
  int attempt();

  /// How often the task has waited for a tier.
  int waits();

  /// How often an operator had sent the task on again after it was set aside.
  int replay();

  String prompt();

  @Nullable String system();

  @Nullable JsonNode jsonSchema();

  @Override
  default String taskId() {
    return accepted().taskId();
  }

  default Priority priority() {
    return accepted().task().priority();
  }

  default @Nullable Instant deadline() {
    return accepted().task().deadline();
  }
}
