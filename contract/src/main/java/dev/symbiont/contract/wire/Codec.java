package dev.symbiont.contract.wire;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CancelRequested;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.WorkerBeat;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.SerializableString;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.io.CharacterEscapes;
import tools.jackson.core.io.SerializedString;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.deser.std.StdDeserializer;
import tools.jackson.databind.exc.InvalidFormatException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.type.LogicalType;

/// Messages to JSON and back. Readers ignore fields they do not know and refuse schemas they do not
/// know.
public final class Codec {

  /// No message nests deeper; whatever does is not one of ours.
  private static final int MAX_DEPTH = 100;

  /// What a task's life is made of, and what comes in and goes out.
  private static final Map<String, Class<? extends Message>> LIFE =
      Map.of(
          "symbiont.task.v1", Task.class,
          "symbiont.accepted.v1", AcceptedTask.class,
          "symbiont.classification.v1", Classification.class,
          "symbiont.routed.v1", RoutedTask.class,
          "symbiont.call.v1", CallEnded.class,
          "symbiont.ended.v1", TaskEnded.class,
          "symbiont.result.v1", Result.class,
          "symbiont.granted.v1", CallGranted.class,
          "symbiont.set-aside.v1", SetAside.class,
          "symbiont.discarded.v1", Discarded.class);

  /// What the parts say to each other beside that.
  private static final Map<String, Class<? extends Message>> TALK =
      Map.of(
          "symbiont.worker.v1", WorkerBeat.class,
          "symbiont.cancel-requested.v1", CancelRequested.class,
          "symbiont.tier-set.v1", TierSet.class,
          "symbiont.tier.v1", TierState.class,
          "symbiont.stop-call.v1", StopCall.class,
          "symbiont.grant-request.v1", GrantRequest.class,
          "symbiont.grant.v1", GrantAnswer.class,
          "symbiont.query.v1", LedgerQuery.class,
          "symbiont.answer.v1", LedgerAnswer.class);

  /// By the classes of messages, several of which may share a schema.
  private static final ClassValue<String> SCHEMA_OF =
      new ClassValue<>() {
        @Override
        protected String computeValue(Class<?> type) {
          return Stream.concat(LIFE.entrySet().stream(), TALK.entrySet().stream())
              .filter(entry -> entry.getValue().isAssignableFrom(type))
              .map(Map.Entry::getKey)
              .findFirst()
              .orElseThrow();
        }
      };

  private static final List<CoercionInputShape> SCALARS =
      List.of(CoercionInputShape.Integer, CoercionInputShape.Float, CoercionInputShape.Boolean);

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                  .characterEscapes(new LineSafe())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
                  .build())
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .changeDefaultPropertyInclusion(
              it ->
                  it.withValueInclusion(
                      com.fasterxml.jackson.annotation.JsonInclude.Include.NON_NULL))
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .enable(EnumFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
          .withCoercionConfig(
              LogicalType.Textual,
              it -> SCALARS.forEach(scalar -> it.setCoercion(scalar, CoercionAction.Fail)))
          .addModule(new SimpleModule().addDeserializer(Instant.class, new InstantAsText()))
          .disable(DateTimeFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
          .build();

  private Codec() {}

  /// The mapper behind the codec, for documents that are not messages.
  public static JsonMapper mapper() {
    return MAPPER;
  }

  /// Every schema name there is.
  public static List<String> schemas() {
    return Stream.concat(LIFE.keySet().stream(), TALK.keySet().stream()).sorted().toList();
  }

  /// The schema name of a message, for the AMQP `type` property.
  public static String schemaOf(Message message) {
    return SCHEMA_OF.get(message.getClass());
  }

  public static byte[] encode(Message message) {
    return MAPPER.writeValueAsBytes(message);
  }

  /// The message of that schema. Fails with a reason that its author can act on.
  public static Message decode(@Nullable String schema, byte[] body) {
    if (schema == null) {
      throw new UnreadableMessageException(null, "the AMQP property 'type' is missing");
    }
    var type = LIFE.getOrDefault(schema, TALK.get(schema));
    if (type == null) {
      throw new UnreadableMessageException(
          null, "unknown schema '%s'".formatted(printable(schema)));
    }
    return read(body, type);
  }

  /// A message whose type the reader knows already.
  public static <T> T read(byte[] body, Class<T> type) {
    try {
      T value = MAPPER.readValue(body, type);
      if (value == null) {
        throw new UnreadableMessageException(null, "the body is the JSON value null");
      }
      return value;
    } catch (JacksonException e) {
      throw unreadable(e);
    }
  }

  private static UnreadableMessageException unreadable(JacksonException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof InvalidFieldException invalid) {
        return new UnreadableMessageException(
            invalid.field(), String.valueOf(invalid.getMessage()));
      }
    }
    if (e instanceof DatabindException databind && !databind.getPath().isEmpty()) {
      String field =
          databind.getPath().stream()
              .map(step -> step.getPropertyName() == null ? "[]" : step.getPropertyName())
              .collect(Collectors.joining("."));
      String shown = printable(field);
      return new UnreadableMessageException(shown, shown + ": " + problemOf(databind));
    }
    return new UnreadableMessageException(
        null, "the body is not a JSON object of this schema: " + printable(e.getOriginalMessage()));
  }

  private static String problemOf(DatabindException e) {
    if (e instanceof InvalidFormatException format && format.getTargetType().isEnum()) {
      return "must be one of " + List.of(allowed(format.getTargetType()));
    }
    return printable(e.getOriginalMessage());
  }

  private static String allowed(Class<?> type) {
    return Arrays.stream(type.getEnumConstants())
        .map(it -> ((dev.symbiont.contract.WireEnum) it).wire())
        .collect(Collectors.joining(", "));
  }

  /// Foreign text in a reason: short, and on one line.
  private static String printable(@Nullable String text) {
    return CallEnded.preview(text == null ? "" : text);
  }

  /// A moment is a text. Jackson would take numbers as well, and make something of any of them.
  private static final class InstantAsText extends StdDeserializer<Instant> {

    InstantAsText() {
      super(Instant.class);
    }

    @Override
    public Instant deserialize(JsonParser parser, DeserializationContext context) {
      if (parser.currentToken() != JsonToken.VALUE_STRING) {
        return (Instant) context.handleUnexpectedToken(getValueType(context), parser);
      }
      String text = parser.getString();
      try {
        return Instant.parse(text);
      } catch (DateTimeParseException e) {
        return (Instant)
            context.handleWeirdStringValue(
                Instant.class, text, "must be a time such as 2026-01-31T12:00:00Z");
      }
    }
  }

  /// Some readers take these two for line ends, and a record must stay one line for all of them.
  private static final class LineSafe extends CharacterEscapes {

    private static final long serialVersionUID = 1;
    private static final int LINE_SEPARATOR = 0x2028;
    private static final int PARAGRAPH_SEPARATOR = 0x2029;
    private static final int NEXT_LINE = 0x85;

    @Override
    public int[] getEscapeCodesForAscii() {
      return standardAsciiEscapesForJSON();
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int c) {
      return c == LINE_SEPARATOR || c == PARAGRAPH_SEPARATOR || c == NEXT_LINE
          ? new SerializedString("\\u%04x".formatted(c))
          : null;
    }
  }
}
