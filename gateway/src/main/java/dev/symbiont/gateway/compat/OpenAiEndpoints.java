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
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// `POST /v1/chat/completions` and `GET /v1/models` as OpenAI's client libraries use them.
@RestController
class OpenAiEndpoints {

  private final Answers answers;
  private final Submission submission;
  private final Tiers tiers;
  private final InstantSource clock;
  private final Instant startedAt;

  OpenAiEndpoints(Answers answers, Submission submission, Tiers tiers, InstantSource clock) {
    this.answers = answers;
    this.submission = submission;
    this.tiers = tiers;
    this.clock = clock;
    this.startedAt = clock.instant();
  }

  @PostMapping("/v1/chat/completions")
  @Nullable ResponseEntity<byte[]> complete(
      HttpServletRequest http,
      HttpServletResponse response,
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key)
      throws IOException, InterruptedException {
    JsonNode body = Bodies.read(http.getInputStream(), Task.MAX_BYTES, JsonNode.class);
    Chat chat =
        new Chat(tiers, body)
            .without("tools", "functions", "audio", "logprobs", "top_logprobs")
            .messages()
            .schema(schema(body.path("response_format")));
    if (body.path("n").asInt(1) != 1) {
      throw Chat.invalid("n: a task has one answer", "n");
    }
    Asking.Request request =
        submission.check(chat.task(body.path("metadata")), "task", key, caller);
    if (chat.isStreamed()) {
      boolean withUsage = body.path("stream_options").path("include_usage").asBoolean(false);
      stream(request, new EventStream(response), withUsage);
      return null;
    }
    return Http.ok(completion(request.id(), answers.to(request)));
  }

  private void stream(Asking.Request request, EventStream events, boolean withUsage)
      throws InterruptedException {
    String id = "chatcmpl-" + request.id();
    answers.stream(
        request,
        events,
        new Answers.Teller() {
          private final long created = clock.instant().getEpochSecond();
          private String model = "";

          @Override
          public void begin(String withModel) {
            model = withModel;
            tell(Map.of("role", "assistant", "content", ""), null);
          }

          @Override
          public void more(String text) {
            tell(Map.of("content", text), null);
          }

          @Override
          public void end(Answer answer) {
            model = answer.model();
            tell(Map.of(), finishReason(answer));
            if (withUsage) {
              var last = head(id, "chat.completion.chunk", created, model);
              last.put("choices", List.of());
              last.put("usage", usage(answer));
              events.event(null, last);
            }
            events.text("[DONE]");
          }

          @Override
          public void fail(Problem problem) {
            events.event(null, error(problem));
          }

          private void tell(Map<String, String> delta, @Nullable String finishReason) {
            var choice = new LinkedHashMap<String, @Nullable Object>();
            choice.put("index", 0);
            choice.put("delta", delta);
            choice.put("logprobs", null);
            choice.put("finish_reason", finishReason);
            var chunk = head(id, "chat.completion.chunk", created, model);
            chunk.put("choices", List.of(choice));
            events.event(null, chunk);
          }
        });
  }

  @GetMapping("/v1/models")
  ResponseEntity<byte[]> models() {
    var all = new ArrayList<Map<String, Object>>();
    all.add(model(Chat.AUTO));
    tiers.names().forEach(it -> all.add(model(it)));
    var body = new LinkedHashMap<String, Object>();
    body.put("object", "list");
    body.put("data", all);
    // Anthropic's libraries ask at the same address.
    body.put("has_more", false);
    body.put("first_id", Chat.AUTO);
    body.put("last_id", tiers.names().getLast());
    return Http.ok(body);
  }

  @GetMapping("/v1/models/{name}")
  ResponseEntity<byte[]> oneModel(@PathVariable String name) {
    new Chat(tiers, Codec.mapper().createObjectNode().put("model", name)).model();
    return Http.ok(model(name));
  }

  @ExceptionHandler
  ResponseEntity<byte[]> problem(Problem problem) {
    return problem.response(error(problem));
  }

  private Map<String, Object> model(String name) {
    var model = new LinkedHashMap<String, Object>();
    model.put("id", name);
    model.put("object", "model");
    model.put("created", startedAt.getEpochSecond());
    model.put("owned_by", "symbiont");
    model.put("type", "model");
    model.put("display_name", name);
    model.put("created_at", startedAt);
    return model;
  }

  /// `json_schema` brings one; with `json_object` any object will do.
  private static JsonNode schema(JsonNode format) {
    return switch (format.path("type").asString("text")) {
      case "text" -> Codec.mapper().missingNode();
      case "json_object" -> Codec.mapper().createObjectNode().put("type", "object");
      case "json_schema" -> format.path("json_schema").path("schema");
      default ->
          throw Chat.invalid(
              "response_format.type: must be text, json_object or json_schema", "response_format");
    };
  }

  private static Map<String, Object> completion(String id, Answer answer) {
    var message = new LinkedHashMap<String, @Nullable Object>();
    message.put("role", "assistant");
    message.put("content", answer.text());
    message.put("refusal", null);
    var choice = new LinkedHashMap<String, @Nullable Object>();
    choice.put("index", 0);
    choice.put("message", message);
    choice.put("logprobs", null);
    choice.put("finish_reason", finishReason(answer));
    var body =
        head(
            "chatcmpl-" + id,
            "chat.completion",
            answer.result().timestamp().getEpochSecond(),
            answer.model());
    body.put("choices", List.of(choice));
    body.put("usage", usage(answer));
    body.put("symbiont", answer.ours());
    return body;
  }

  private static Map<String, Object> head(String id, String object, long created, String model) {
    var body = new LinkedHashMap<String, Object>();
    body.put("id", id);
    body.put("object", object);
    body.put("created", created);
    body.put("model", model);
    return body;
  }

  private static String finishReason(Answer answer) {
    return answer.truncated() ? "length" : "stop";
  }

  private static ObjectNode usage(Answer answer) {
    var usage = answer.usage();
    long in = usage.inputTokens() + usage.cacheReadTokens() + usage.cacheWriteTokens();
    ObjectNode node = Codec.mapper().createObjectNode();
    node.put("prompt_tokens", in)
        .put("completion_tokens", usage.outputTokens())
        .put("total_tokens", in + usage.outputTokens());
    node.putObject("prompt_tokens_details").put("cached_tokens", usage.cacheReadTokens());
    return node;
  }

  private static Map<String, Object> error(Problem problem) {
    var error = new LinkedHashMap<String, @Nullable Object>();
    error.put("message", problem.getMessage());
    error.put("type", problem.status().is4xxClientError() ? "invalid_request_error" : "api_error");
    error.put("param", problem.member("field"));
    error.put("code", problem.status() == HttpStatus.NOT_FOUND ? "model_not_found" : null);
    error.put("task_id", problem.member("id"));
    return Map.of("error", error);
  }
}
