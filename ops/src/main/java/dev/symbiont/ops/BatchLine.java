package dev.symbiont.ops;

import dev.symbiont.contract.Ids;
import dev.symbiont.contract.wire.Codec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// One task of a file.
///
/// Its id is derived from what it asks for, from its place and from the batch's name, so that the
/// same line is the same task however often the batch is started; no matter which lines go along
/// with it in a request, as the request's own idempotency key would have it.
///
/// @param number of the line in the file, from 1
record BatchLine(int number, String id, ObjectNode task) {

  /// What all tasks of a batch have in common.
  ///
  /// @param owner who asks: somebody else's same batch is another one
  record Common(String name, String owner, @Nullable String tier, Map<String, String> labels) {}

  /// The tasks in these lines: objects in the form of a task if the first is one, else prompts.
  /// Lines without anything are left out.
  static List<BatchLine> of(List<String> lines, Common common) {
    boolean objects =
        lines.stream()
            .filter(it -> !it.isBlank())
            .findFirst()
            .map(BatchLine::isObject)
            .orElse(false);
    var tasks = new ArrayList<BatchLine>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (!line.isBlank()) {
        tasks.add(of(i + 1, objects ? object(i + 1, line) : prompt(line), common));
      }
    }
    return tasks;
  }

  private static BatchLine of(int number, ObjectNode task, Common common) {
    if (common.tier() != null && !task.has("force_tier")) {
      task.put("force_tier", common.tier());
    }
    JsonNode own = task.path("labels");
    if (own.isObject() || own.isMissingNode()) {
      var labels = Codec.mapper().createObjectNode();
      new TreeMap<>(common.labels()).forEach(labels::put);
      own.properties().forEach(it -> labels.set(it.getKey(), it.getValue()));
      task.set("labels", labels);
    }
    if (!task.has("id")) {
      task.put(
          "id", Ids.ofKey("batch", common.owner(), common.name() + '\n' + number + '\n' + task));
    }
    return new BatchLine(number, task.path("id").asString(""), task);
  }

  private static boolean isObject(String line) {
    try {
      return line.stripLeading().startsWith("{") && Codec.mapper().readTree(line).isObject();
    } catch (JacksonException e) {
      return false;
    }
  }

  private static ObjectNode object(int number, String line) {
    try {
      if (Codec.mapper().readTree(line) instanceof ObjectNode task) {
        return task;
      }
    } catch (JacksonException e) {
      // Told below.
    }
    throw new SetupException(
        "line %d is no JSON object, but the first line is one; nothing was submitted"
            .formatted(number));
  }

  private static ObjectNode prompt(String line) {
    return Codec.mapper().createObjectNode().put("task", line);
  }
}
