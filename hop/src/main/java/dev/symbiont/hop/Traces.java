package dev.symbiont.hop;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.logging.otlp.internal.traces.OtlpStdoutSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// What a task's way through the fleet looks like to OpenTelemetry.
///
/// The context travels in the headers of messages, as the W3C has it, whether or not this process
/// records anything of its own. Names and attributes are those of OpenTelemetry's conventions for
/// messaging; what these have no word for is called `symbiont.…`.
public final class Traces implements AutoCloseable {

  static final String OFF = "off";
  private static final String OTLP = "otlp";
  private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();
  private static final Duration WRITE_EVERY = Duration.ofSeconds(1);

  private static final TextMapGetter<Map<String, Object>> HEADERS =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Map<String, Object> headers) {
          return headers.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Map<String, Object> headers, String name) {
          Object value = headers == null ? null : headers.get(name);
          return value == null ? null : value.toString();
        }
      };

  private final Tracer tracer;
  private final @Nullable OpenTelemetrySdk sdk;

  private Traces(OpenTelemetry telemetry, @Nullable OpenTelemetrySdk sdk) {
    this.tracer = telemetry.getTracer("dev.symbiont");
    this.sdk = sdk;
  }

  /// Handles a message, and says when it is settled.
  public interface Handler<X extends Exception> {
    CompletableFuture<Void> handle() throws X;
  }

  /// Records nothing.
  public static Traces off() {
    return new Traces(OpenTelemetry.noop(), null);
  }

  /// @param where `off`, `otlp` (to a collector, as the variables `OTEL_…` say), or a folder for
  ///   files of JSON lines, one for each worker
  static Traces to(String where, Worker worker) {
    if (where.equals(OFF)) {
      return off();
    }
    boolean toFile = !where.equals(OTLP);
    var builder =
        AutoConfiguredOpenTelemetrySdk.builder()
            .disableShutdownHook()
            .addPropertiesSupplier(
                () ->
                    Map.of(
                        "otel.service.name", "symbiont-" + worker.role(),
                        "otel.traces.exporter", toFile ? "none" : "otlp",
                        "otel.exporter.otlp.protocol", "http/protobuf",
                        "otel.metrics.exporter", "none",
                        "otel.logs.exporter", "none"))
            .addResourceCustomizer((resource, _) -> resource.merge(instance(worker)));
    if (toFile) {
      OutputStream file = open(Path.of(where), worker);
      builder.addTracerProviderCustomizer(
          (provider, _) ->
              provider.addSpanProcessor(
                  // Internal to the library, which has nothing stable that writes files.
                  BatchSpanProcessor.builder(
                          OtlpStdoutSpanExporter.builder().setOutput(file).build())
                      .setScheduleDelay(WRITE_EVERY)
                      .build()));
    }
    OpenTelemetrySdk sdk = builder.build().getOpenTelemetrySdk();
    return new Traces(sdk, sdk);
  }

  private static Resource instance(Worker worker) {
    return Resource.create(
        Attributes.of(AttributeKey.stringKey("service.instance.id"), worker.id()));
  }

  private static OutputStream open(Path folder, Worker worker) {
    Path file = folder.resolve(worker.id() + ".jsonl");
    try {
      Files.createDirectories(folder);
      return new BufferedOutputStream(
          Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "symbiont.traces: %s cannot be written (%s); set SYMBIONT_TRACES to off, otlp or another folder"
              .formatted(file, e));
    }
  }

  public Tracer tracer() {
    return tracer;
  }

  /// Handles a message within a span, the child of whatever sent it, that ends when the message is
  /// settled.
  public <X extends Exception> CompletableFuture<Void> process(
      Delivery delivery, Handler<X> handler) throws X {
    Span span = begin(delivery);
    try (Scope _ = span.makeCurrent()) {
      return handler
          .handle()
          .whenComplete(
              (_, failure) -> {
                if (failure != null) {
                  fail(span, failure);
                }
                span.end();
              });
    } catch (Exception e) {
      fail(span, e);
      span.end();
      throw e;
    }
  }

  /// The same for one who has to end it himself.
  public Span begin(Delivery delivery) {
    return tracer
        .spanBuilder("process " + delivery.queue())
        .setParent(delivery.trace())
        .setSpanKind(SpanKind.CONSUMER)
        .setAttribute("messaging.system", "rabbitmq")
        .setAttribute("messaging.operation.name", "process")
        .setAttribute("messaging.operation.type", "process")
        .setAttribute("messaging.destination.name", delivery.queue())
        .setAttribute("messaging.message.id", delivery.properties().getMessageId())
        .setAttribute("symbiont.message", delivery.schema())
        .startSpan();
  }

  private static void fail(Span span, Throwable failure) {
    span.setStatus(StatusCode.ERROR).recordException(failure);
  }

  /// Headers that take the current context along.
  static Map<String, Object> headers() {
    var headers = new HashMap<String, Object>();
    W3C.inject(Context.current(), headers, (to, name, value) -> headers.put(name, value));
    return headers;
  }

  /// The context that came along.
  static Context in(Map<String, Object> headers) {
    return W3C.extract(Context.root(), headers, HEADERS);
  }

  @Override
  public void close() {
    if (sdk != null) {
      sdk.close();
    }
  }
}
