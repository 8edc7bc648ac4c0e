package dev.symbiont.contract.wire;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CancelRequested;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.KeySet;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.PartialText;
import dev.symbiont.contract.Result;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.WorkerBeat;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.HexFormat;
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
      Map.ofEntries(
          Map.entry("symbiont.worker.v1", WorkerBeat.class),
          Map.entry("symbiont.cancel-requested.v1", CancelRequested.class),
          Map.entry("symbiont.tier-set.v1", TierSet.class),
          Map.entry("symbiont.key.v1", KeySet.class),
          Map.entry("symbiont.tier.v1", TierState.class),
          Map.entry("symbiont.stop-call.v1", StopCall.class),
          Map.entry("symbiont.grant-request.v1", GrantRequest.class),
          Map.entry("symbiont.grant.v1", GrantAnswer.class),
          Map.entry("symbiont.query.v1", LedgerQuery.class),
          Map.entry("symbiont.answer.v1", LedgerAnswer.class),
          Map.entry("symbiont.text.v1", PartialText.class),
          Map.entry("symbiont.webhook.v1", Webhook.class));

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

  /// For what others wrote, and for what may hold any character.
  private static final JsonMapper MAPPER = mapper(true);

  /// The same in half the time. It writes what is then looked through for the characters that it
  /// does not escape, and reads what the fleet wrote itself, in which no field comes twice.
  private static final JsonMapper FAST = mapper(false);

  private static JsonMapper mapper(boolean careful) {
    var factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
            .configure(StreamReadFeature.STRICT_DUPLICATE_DETECTION, careful)
            .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN);
    if (careful) {
      factory.characterEscapes(new LineSafe());
    }
    return JsonMapper.builder(factory.build())
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
  }

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

  /// JSON that is one line for every reader.
  public static byte[] encode(Object value) {
    byte[] json = FAST.writeValueAsBytes(value);
    return LineSafe.holdsLineEnd(json) ? MAPPER.writeValueAsBytes(value) : json;
  }

  /// The same for two tasks that ask for the same, whatever their ids are.
  public static String fingerprint(Task task) {
    return HexFormat.of().formatHex(Ids.sha256().digest(encode(task.withId(null))));
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
    return read(type == Task.class ? MAPPER : FAST, body, type);
  }

  /// What somebody else wrote, of a type that the reader knows already.
  public static <T> T read(byte[] body, Class<T> type) {
    return read(MAPPER, body, type);
  }

  private static <T> T read(JsonMapper mapper, byte[] body, Class<T> type) {
    try {
      T value = mapper.readValue(body, type);
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
    // Made once: a prompt may consist of nothing else.
    private static final SerializableString ESCAPED_NEXT_LINE = new SerializedString("\\u0085");
    private static final SerializableString ESCAPED_LINE_SEPARATOR =
        new SerializedString("\\u2028");
    private static final SerializableString ESCAPED_PARAGRAPH_SEPARATOR =
        new SerializedString("\\u2029");

    private static final int BYTE = 0xff;
    private static final byte FIRST_OF_NEXT_LINE = (byte) 0xc2;
    private static final byte FIRST_OF_SEPARATORS = (byte) 0xe2;
    private static final byte SECOND_OF_SEPARATORS = (byte) 0x80;
    private static final byte LAST_OF_LINE_SEPARATOR = (byte) 0xa8;
    private static final byte LAST_OF_PARAGRAPH_SEPARATOR = (byte) 0xa9;

    /// Whether one of them stands there unescaped. In UTF-8 they begin with bytes that other
    /// characters begin with, too.
    static boolean holdsLineEnd(byte[] utf8) {
      for (int i = 0; i < utf8.length - 1; i++) {
        if (utf8[i] == FIRST_OF_NEXT_LINE && (utf8[i + 1] & BYTE) == NEXT_LINE) {
          return true;
        }
        if (utf8[i] == FIRST_OF_SEPARATORS
            && i + 2 < utf8.length
            && utf8[i + 1] == SECOND_OF_SEPARATORS
            && (utf8[i + 2] == LAST_OF_LINE_SEPARATOR
                || utf8[i + 2] == LAST_OF_PARAGRAPH_SEPARATOR)) {
          return true;
        }
      }
      return false;
    }

    @Override
    public int[] getEscapeCodesForAscii() {
      return standardAsciiEscapesForJSON();
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int c) {
      return switch (c) {
        case NEXT_LINE -> ESCAPED_NEXT_LINE;
        case LINE_SEPARATOR -> ESCAPED_LINE_SEPARATOR;
        case PARAGRAPH_SEPARATOR -> ESCAPED_PARAGRAPH_SEPARATOR;
        default -> null;
      };
    }
  }
}
