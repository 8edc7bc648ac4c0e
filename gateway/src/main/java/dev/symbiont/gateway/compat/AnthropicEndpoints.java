package dev.symbiont.gateway.compat;

import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.gateway.EventStream;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.access.Caller;
import dev.symbiont.gateway.intake.Asking;
import dev.symbiont.gateway.intake.Bodies;
import dev.symbiont.gateway.intake.Submission;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// `POST /v1/messages` as Anthropic's client libraries use it.
@RestController
class AnthropicEndpoints {

  private final Answers answers;
  private final Submission submission;
  private final Tiers tiers;

  AnthropicEndpoints(Answers answers, Submission submission, Tiers tiers) {
    this.answers = answers;
    this.submission = submission;
    this.tiers = tiers;
  }

  @PostMapping("/v1/messages")
  @Nullable ResponseEntity<byte[]> answer(
      HttpServletRequest http,
      HttpServletResponse response,
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key)
      throws IOException, InterruptedException {
    JsonNode body = Bodies.read(http.getInputStream(), Task.MAX_BYTES, JsonNode.class);
    Chat chat =
        new Chat(tiers, body)
            .without("tools", "mcp_servers", "container")
            .system(body.path("system"), "system")
            .messages()
            .schema(schema(body));
    Asking.Request request = submission.check(chat.task(labels(body)), "task", key, caller);
    if (chat.isStreamed()) {
      stream(request, new EventStream(response));
      return null;
    }
    Answer answer = answers.to(request);
    ObjectNode message = message(request.id(), answer.model());
    message.set("usage", usage(answer));
    message.putArray("content").addObject().put("type", "text").put("text", answer.text());
    message.put("stop_reason", stopReason(answer));
    message.set("symbiont", answer.ours());
    return Http.ok(message);
  }

  private void stream(Asking.Request request, EventStream events) throws InterruptedException {
    answers.stream(
        request,
        events,
        new Answers.Teller() {
          @Override
          public void begin(String model) {
            ObjectNode message = message(request.id(), model);
            // How many there were is known at the end.
            message.putObject("usage").put("input_tokens", 0).put("output_tokens", 0);
            message.putArray("content");
            message.putNull("stop_reason");
            events.event("message_start", event("message_start").set("message", message));
            ObjectNode start = block("content_block_start");
            start.putObject("content_block").put("type", "text").put("text", "");
            events.event("content_block_start", start);
          }

          @Override
          public void more(String text) {
            ObjectNode delta = block("content_block_delta");
            delta.putObject("delta").put("type", "text_delta").put("text", text);
            events.event("content_block_delta", delta);
          }

          @Override
          public void end(Answer answer) {
            events.event("content_block_stop", block("content_block_stop"));
            ObjectNode last = event("message_delta");
            last.putObject("delta").put("stop_reason", stopReason(answer)).putNull("stop_sequence");
            last.set("usage", usage(answer));
            events.event("message_delta", last);
            events.event("message_stop", event("message_stop"));
          }

          @Override
          public void fail(Problem problem) {
            events.event("error", error(problem));
          }
        });
  }

  @ExceptionHandler
  ResponseEntity<byte[]> problem(Problem problem) {
    return problem.response(error(problem));
  }

  /// It stands in one place, and before that stood in another.
  private static JsonNode schema(JsonNode body) {
    JsonNode format = body.path("output_config").path("format");
    return (format.isMissingNode() ? body.path("output_format") : format).path("schema");
  }

  private static JsonNode labels(JsonNode body) {
    JsonNode user = body.path("metadata").path("user_id");
    return user.isString()
        ? Codec.mapper().createObjectNode().put("user_id", user.stringValue())
        : Codec.mapper().missingNode();
  }

  private static ObjectNode message(String id, String model) {
    return Codec.mapper()
        .createObjectNode()
        .put("id", "msg_" + id)
        .put("type", "message")
        .put("role", "assistant")
        .put("model", model)
        .putNull("stop_sequence");
  }

  private static ObjectNode usage(Answer answer) {
    return Codec.mapper()
        .createObjectNode()
        .put("input_tokens", answer.usage().inputTokens())
        .put("output_tokens", answer.usage().outputTokens())
        .put("cache_creation_input_tokens", answer.usage().cacheWriteTokens())
        .put("cache_read_input_tokens", answer.usage().cacheReadTokens());
  }

  private static String stopReason(Answer answer) {
    return answer.truncated() ? "max_tokens" : "end_turn";
  }

  private static ObjectNode event(String type) {
    return Codec.mapper().createObjectNode().put("type", type);
  }

  private static ObjectNode block(String type) {
    return event(type).put("index", 0);
  }

  private static Map<String, Object> error(Problem problem) {
    String type =
        switch (problem.status()) {
          case NOT_FOUND -> "not_found_error";
          case CONTENT_TOO_LARGE -> "request_too_large";
          case SERVICE_UNAVAILABLE -> "overloaded_error";
          case GATEWAY_TIMEOUT -> "timeout_error";
          default -> problem.status().is4xxClientError() ? "invalid_request_error" : "api_error";
        };
    return Map.of(
        "type",
        "error",
        "error",
        Map.of("type", type, "message", String.valueOf(problem.getMessage())));
  }
}
