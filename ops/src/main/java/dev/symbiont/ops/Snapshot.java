package dev.symbiont.ops;

import java.time.Instant;
import tools.jackson.databind.JsonNode;

/// What was to be seen of a fleet at one moment: answers of its gateway, by what was asked, as `top
/// --json` prints them. [Lookout] says which there are. What is not known is not there.
record Snapshot(Instant at, JsonNode answers) {

  JsonNode of(String name) {
    return answers.path(name);
  }

  /// What the gateway says instead of an answer; missing if it gave one.
  JsonNode refusal(String name) {
    return answers.path("refused").path(name);
  }
}
