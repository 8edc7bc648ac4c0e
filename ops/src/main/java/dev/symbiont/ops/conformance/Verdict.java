package dev.symbiont.ops.conformance;

import java.util.Optional;

/// What a run found out about a rule.
///
/// @param why it does not hold; empty if it holds
record Verdict(Rule rule, Optional<String> why) {

  boolean holds() {
    return why.isEmpty();
  }
}
