package dev.symbiont.testing;

import dev.symbiont.contract.wire.Codec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What the stubbed model says: one block of text, or one call of the tool that takes structured
/// output.
record StubAnswer(String model, ObjectNode block, int inputTokens) {

  private static final int CHARACTERS_PER_TOKEN = 4;
  private static final String STRUCTURED_OUTPUT = "StructuredOutput";

  /// Structured if the request has a schema, else a text that names the model.
  static StubAnswer to(JsonNode request, int inputTokens) {
    for (JsonNode tool : request.path("tools")) {
      if (tool.path("name").asString("").equals(STRUCTURED_OUTPUT)) {
        return structured(request, example(tool.path("input_schema")), inputTokens);
      }
    }
    return inProse(request, inputTokens);
  }

  static StubAnswer inProse(JsonNode request, int inputTokens) {
    String model = request.path("model").asString("");
    var block = Codec.mapper().createObjectNode().put("type", "text");
    return new StubAnswer(model, block.put("text", "the stub answers as " + model), inputTokens);
  }

  static StubAnswer inWrongShape(JsonNode request, int inputTokens) {
    var wrong = Codec.mapper().createObjectNode().put("wrong", true);
    return structured(request, wrong, inputTokens);
  }

  /// The answer in one piece.
  String message() {
    var message = Codec.mapper().createObjectNode();
    message.setAll(start());
    message.putArray("content").add(block);
    message.put("stop_reason", stopReason()).set("usage", usage(outputTokens()));
    return message.toString();
  }

  /// The answer as a stream of server-sent events.
  String events() {
    var started = start();
    started.putArray("content");
    started.putNull("stop_reason").set("usage", usage(1));
    var emptyBlock = block.deepCopy();
    var delta = Codec.mapper().createObjectNode();
    if (isToolUse()) {
      emptyBlock.putObject("input");
      delta.put("type", "input_json_delta").put("partial_json", block.path("input").toString());
    } else {
      emptyBlock.put("text", "");
      delta.put("type", "text_delta").put("text", block.path("text").asString());
    }
    var stop = Codec.mapper().createObjectNode().put("stop_reason", stopReason());
    return event("message_start", json().set("message", started))
        + event("content_block_start", json().put("index", 0).set("content_block", emptyBlock))
        + event("content_block_delta", json().put("index", 0).set("delta", delta))
        + event("content_block_stop", json().put("index", 0))
        + event("message_delta", json().set("delta", stop).set("usage", totals()))
        + event("message_stop", json());
  }

  private static StubAnswer structured(JsonNode request, JsonNode input, int inputTokens) {
    var block = Codec.mapper().createObjectNode().put("type", "tool_use").put("id", "toolu_stub");
    block.put("name", STRUCTURED_OUTPUT).set("input", input);
    return new StubAnswer(request.path("model").asString(""), block, inputTokens);
  }

  /// A value that obeys a simple schema.
  private static JsonNode example(JsonNode schema) {
    if (schema.path("enum").isArray()) {
      return schema.path("enum").path(0);
    }
    var mapper = Codec.mapper();
    return switch (schema.path("type").asString("object")) {
      case "object" -> {
        var object = mapper.createObjectNode();
        schema
            .path("properties")
            .properties()
            .forEach(it -> object.set(it.getKey(), example(it.getValue())));
        yield object;
      }
      case "array" -> mapper.createArrayNode().add(example(schema.path("items")));
      case "integer", "number" -> mapper.getNodeFactory().numberNode(1);
      case "boolean" -> mapper.getNodeFactory().booleanNode(true);
      default -> mapper.getNodeFactory().stringNode("stub");
    };
  }

  private ObjectNode start() {
    return json()
        .put("id", "msg_stub")
        .put("type", "message")
        .put("role", "assistant")
        .put("model", model)
        .putNull("stop_sequence");
  }

  private ObjectNode usage(int outputTokens) {
    return json()
        .put("input_tokens", inputTokens)
        .put("cache_creation_input_tokens", 0)
        .put("cache_read_input_tokens", 0)
        .put("output_tokens", outputTokens)
        .put("service_tier", "standard");
  }

  private ObjectNode totals() {
    return json().put("output_tokens", outputTokens());
  }

  private int outputTokens() {
    return Math.max(2, block.toString().length() / CHARACTERS_PER_TOKEN);
  }

  private String stopReason() {
    return isToolUse() ? "tool_use" : "end_turn";
  }

  private boolean isToolUse() {
    return block.path("type").asString("").equals("tool_use");
  }

  private static ObjectNode json() {
    return Codec.mapper().createObjectNode();
  }

  private static String event(String type, JsonNode data) {
    ((ObjectNode) data).put("type", type);
    return "event: %s\ndata: %s\n\n".formatted(type, data);
  }
}
