package dev.symbiont.ops.conformance;

import java.util.List;

/// Something that the contract promises to producers or watchers.
///
/// @param samples the wire samples that it publishes
record Rule(String id, String says, List<String> samples, Check check) {

  /// Publishes, waits and compares. Throws [BrokenRuleException] when the promise is not kept.
  @FunctionalInterface
  interface Check {
    void of(Trial trial) throws InterruptedException;
  }

  /// Every rule, in the order in which they are told.
  static List<Rule> all() {
    return List.of(AnswerRules.all(), TaskRules.all(), RefusalRules.all(), EventRules.all())
        .stream()
        .flatMap(List::stream)
        .toList();
  }

  /// Whether this names the rule, or the group that it belongs to.
  boolean isNamed(String name) {
    return id.equals(name) || id.startsWith(name + ".");
  }
}
