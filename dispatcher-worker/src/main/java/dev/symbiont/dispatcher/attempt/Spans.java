package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.TraceAttributes;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.Work;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/// What an attempt shows in a trace: how long its grants took to come, and its calls, the latter in
/// the words of OpenTelemetry's conventions for generative AI.
record Spans(Tracer tracer, Tier tier) {

  /// The provider of whatever the Claude CLI calls.
  private static final String ANTHROPIC = "anthropic";

  GrantAnswer asking(Callable<GrantAnswer> question) throws Exception {
    Span span =
        tracer
            .spanBuilder("grant " + tier.name())
            .setSpanKind(SpanKind.CLIENT)
            .setAttribute(TraceAttributes.TIER, tier.name())
            .startSpan();
    try (Scope _ = span.makeCurrent()) {
      GrantAnswer answer = question.call();
      span.setAttribute("symbiont.grant", answer.getClass().getSimpleName());
      return answer;
    } finally {
      span.end();
    }
  }

  CallEnded calling(Work work, String callId, Supplier<CallEnded> call) {
    Span span =
        tracer
            .spanBuilder("chat " + tier.model())
            .setSpanKind(SpanKind.CLIENT)
            .setAttribute("gen_ai.operation.name", "chat")
            .setAttribute(
                "gen_ai.provider.name",
                tier.adapter().equals("claude") ? ANTHROPIC : tier.adapter())
            .setAttribute("gen_ai.request.model", tier.model())
            .setAttribute(TraceAttributes.TIER, tier.name())
            .setAttribute(TraceAttributes.TASK, work.taskId())
            .setAttribute("symbiont.call.id", callId)
            .setAttribute("symbiont.purpose", work.purpose().wire())
            .startSpan();
    try (Scope _ = span.makeCurrent()) {
      CallEnded ended = call.get();
      describe(span, ended);
      return ended;
    } finally {
      span.end();
    }
  }

  private static void describe(Span span, CallEnded ended) {
    Usage usage = ended.usage();
    // By the conventions, what was read from or written to a cache is part of the input.
    long input = usage.inputTokens() + usage.cacheReadTokens() + usage.cacheWriteTokens();
    span.setAttribute("gen_ai.usage.input_tokens", input)
        .setAttribute("gen_ai.usage.output_tokens", usage.outputTokens())
        .setAttribute("gen_ai.usage.cache_read.input_tokens", usage.cacheReadTokens())
        .setAttribute("gen_ai.usage.cache_creation.input_tokens", usage.cacheWriteTokens())
        .setAttribute("symbiont.cost_usd", usage.costUsd().toPlainString())
        .setAttribute("symbiont.outcome", ended.outcome().kind())
        .setAttribute("symbiont.simulated", ended.simulated());
    if (usage.resolvedModel() != null) {
      span.setAttribute("gen_ai.response.model", usage.resolvedModel());
    }
    if (!ended.succeeded()) {
      span.setAttribute("error.type", ended.outcome().kind())
          .setStatus(StatusCode.ERROR, ended.outcome().message());
    }
  }
}
