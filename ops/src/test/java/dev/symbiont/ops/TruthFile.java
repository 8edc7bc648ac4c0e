package dev.symbiont.ops;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// What a program that stands in for a model says of itself: which calls were really begun and
/// ended, whatever the fleet believes.
record TruthFile(Path path) {

  List<JsonNode> begun() {
    return events("begin");
  }

  List<JsonNode> ended() {
    return events("end");
  }

  private List<JsonNode> events(String kind) {
    if (!Files.exists(path)) {
      return List.of();
    }
    return JsonLines.read(path).stream()
        .filter(it -> it.path("event").asString().equals(kind))
        .toList();
  }
}
