package dev.symbiont.gateway.compat;

import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.gateway.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A conversation as model APIs take it, made into a task. What a task cannot do is refused, so
/// that nobody takes it for done.
final class Chat {

  /// The model that lets the router choose.
  static final String AUTO = "symbiont-auto";

  private final Tiers tiers;
  private final JsonNode request;
  private final List<String> system = new ArrayList<>();
  private final List<Turn> turns = new ArrayList<>();
  private @Nullable JsonNode schema;

  private record Turn(String speaker, String text) {}

  Chat(Tiers tiers, JsonNode request) {
    this.tiers = tiers;
    this.request = request;
    if (!request.isObject()) {
      throw invalid("the body must be a JSON object", null);
    }
  }

  /// Fails if the request asks for one of these, which are lists or objects when they are used.
  Chat without(String... features) {
    for (String feature : features) {
      JsonNode value = request.path(feature);
      if (!value.isMissingNode() && !value.isNull() && !(value.isArray() && value.isEmpty())) {
        throw invalid("%s: a task cannot do this here; leave it out".formatted(feature), feature);
      }
    }
    return this;
  }

  /// @param content text, a list of blocks of text, or nothing
  /// @param field where it stands, for complaints
  Chat system(JsonNode content, String field) {
    String text = text(content, field);
    if (!text.isEmpty()) {
      system.add(text);
    }
    return this;
  }

  /// Reads the list `messages`. Messages of the roles `system` and `developer` are instructions.
  Chat messages() {
    JsonNode messages = request.path("messages");
    if (!messages.isArray() || messages.isEmpty()) {
      throw invalid("messages: must be a list of messages", "messages");
    }
    for (int i = 0; i < messages.size(); i++) {
      String field = "messages[%d]".formatted(i);
      JsonNode content = messages.path(i).path("content");
      switch (messages.path(i).path("role").asString("")) {
        case "system", "developer" -> system(content, field);
        case "user" -> turns.add(new Turn("User", text(content, field)));
        case "assistant" -> turns.add(new Turn("Assistant", text(content, field)));
        default -> throw invalid(field + ": a task knows no messages of this role", field);
      }
    }
    if (turns.isEmpty()) {
      throw invalid("messages: one of a user is needed", "messages");
    }
    return this;
  }

  /// @param wanted the schema that the answer shall obey, if any
  Chat schema(JsonNode wanted) {
    schema = wanted.isObject() ? wanted : null;
    return this;
  }

  /// @param labels an object of strings, or nothing
  Task task(JsonNode labels) {
    ObjectNode task = Codec.mapper().createObjectNode().put("task", prompt());
    if (!system.isEmpty()) {
      task.put("system", String.join("\n\n", system));
    }
    if (schema != null) {
      task.set("json_schema", schema);
    }
    if (labels.isObject()) {
      task.set("labels", labels);
    }
    String model = model();
    if (!model.equals(AUTO)) {
      task.put("force_tier", model);
    }
    try {
      return Codec.read(Codec.mapper().writeValueAsBytes(task), Task.class);
    } catch (UnreadableMessageException e) {
      throw invalid(String.valueOf(e.getMessage()), e.field());
    }
  }

  String model() {
    String model = request.path("model").asString("");
    if (!model.equals(AUTO) && tiers.find(model).isEmpty()) {
      throw Problem.of(
              HttpStatus.NOT_FOUND,
              "model: there is no '%s'; choose %s, or a tier: %s"
                  .formatted(model, AUTO, String.join(", ", tiers.names())))
          .with("field", "model");
    }
    return model;
  }

  boolean isStreamed() {
    return request.path("stream").asBoolean(false);
  }

  /// One message is the prompt itself; of several, a task sees who said what.
  private String prompt() {
    if (turns.size() == 1) {
      return turns.getFirst().text();
    }
    return turns.stream()
        .map(it -> it.speaker() + ": " + it.text())
        .collect(
            Collectors.joining(
                "\n\n", "A conversation so far:\n\n", "\n\nWrite the Assistant's next message."));
  }

  private static String text(JsonNode content, String field) {
    if (content.isMissingNode() || content.isNull()) {
      return "";
    }
    if (content.isString()) {
      return content.stringValue();
    }
    var parts = new ArrayList<String>();
    for (JsonNode part : content) {
      if (!part.path("type").asString("").equals("text")) {
        throw invalid(field + ": a task takes text alone", field);
      }
      parts.add(part.path("text").asString(""));
    }
    return String.join("\n", parts);
  }

  static Problem invalid(String detail, @Nullable String field) {
    return Problem.of(HttpStatus.BAD_REQUEST, detail).with("field", field);
  }
}
