package dev.symbiont.contract.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.WireEnum;
import dev.symbiont.contract.topology.Topology;
import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// `docs/asyncapi.yaml` says what the code does.
class AsyncApiTest {

  private static final List<String> TIERS = List.of("haiku", "opus");
  private static final String SCHEMAS = "#/components/schemas/";

  private final AsyncApi api;

  AsyncApiTest() throws IOException {
    api = AsyncApi.read();
  }

  @Test
  void itHasTheExchangesOfTheTopology() {
    var documented = new HashMap<String, Object>();
    for (AsyncApi.Channel channel : channels()) {
      if (channel.isExchange()) {
        var exchange = channel.exchange();
        assertThat(exchange)
            .containsEntry("name", channel.address())
            .containsEntry("durable", true);
        documented.put(
            channel.address(),
            List.of(Objects.requireNonNull(exchange.get("type")), channel.arguments()));
      }
    }
    var declared = new HashMap<String, Object>();
    for (Topology.Exchange exchange : Topology.of(TIERS).exchanges()) {
      declared.put(exchange.name(), List.of(exchange.type(), exchange.arguments()));
    }

    assertThat(documented).isEqualTo(declared);
  }

  @Test
  void itHasTheQueuesOfTheTopology() {
    var documented = new HashMap<String, Object>();
    for (AsyncApi.Channel channel : channels()) {
      if (!channel.isExchange()) {
        documented.put(channel.address(), channel.arguments());
      }
    }
    var declared = new HashMap<String, Object>();
    for (Topology.Queue queue : Topology.of(TIERS).queues()) {
      declared.put(queue.name(), queue.arguments());
    }

    assertThat(documented).isEqualTo(declared);
  }

  @Test
  void itHasTheSchemasOfTheCodec() {
    var names =
        messages().values().stream()
            .map(message -> String.valueOf(AsyncApi.map(message).get("name")))
            .toList();

    assertThat(names).containsExactlyInAnyOrderElementsOf(Codec.schemas());
  }

  @Test
  void everyMessageNamesItsSchemaAsItsType() {
    for (Object message : messages().values()) {
      var name = AsyncApi.map(message).get("name");

      assertThat(AsyncApi.shape(Objects.requireNonNull(AsyncApi.map(message).get("payload"))))
          .isEqualTo(Map.of("$ref", SCHEMAS + nameOf(classOf(String.valueOf(name)))));
      var bindings = AsyncApi.map(Objects.requireNonNull(AsyncApi.map(message).get("bindings")));
      assertThat(AsyncApi.map(Objects.requireNonNull(bindings.get("amqp"))))
          .containsEntry("messageType", name);
    }
  }

  @Test
  void everySchemaHasTheFieldsOfItsRecord() {
    var documented = new TreeMap<String, Object>();
    api.section("components", "schemas")
        .forEach((name, schema) -> documented.put(name, AsyncApi.shape(schema)));
    var coded = new TreeMap<String, Object>();
    for (Class<?> type : everyType()) {
      coded.put(nameOf(type), shapeOf(type));
    }

    assertThat(documented.keySet()).isEqualTo(coded.keySet());
    coded.forEach((name, shape) -> assertThat(documented.get(name)).as(name).isEqualTo(shape));
  }

  @Test
  void theExamplesAreTasks() {
    var examples =
        AsyncApi.list(
            Objects.requireNonNull(api.section("components", "messages", "task").get("examples")));

    assertThat(examples).isNotEmpty();
    for (Object example : examples) {
      var payload = AsyncApi.map(example).get("payload");
      assertThat(Codec.read(Codec.mapper().writeValueAsBytes(payload), Task.class)).isNotNull();
    }
  }

  @Test
  void everyReferenceLeadsSomewhere() {
    var references = new ArrayList<String>();
    collect(api.document(), references);

    assertThat(references).isNotEmpty();
    for (String reference : references) {
      var path = reference.substring(2).split("/", -1);
      assertThat(api.section(path)).as(reference).isNotEmpty();
    }
  }

  @Test
  void theSizesAreThoseOfTheCode() {
    var description = String.valueOf(api.section("info").get("description"));

    assertThat(description).contains("(%d bytes of body)".formatted(Task.MAX_BYTES));
    assertThat(description)
        .contains("%d MiB of UTF-8".formatted(dev.symbiont.contract.Result.MAX_BYTES >> 20));
  }

  @Test
  void theRoutingKeysOfEventsAreThoseOfTheTopology() {
    var description = String.valueOf(api.section("channels", "events").get("description"));
    var keys =
        List.of(
            Topology.acceptedKey(Priority.LOW),
            Topology.classifyKey("{tier}", Priority.LOW),
            Topology.CALL_CLASSIFIED,
            Topology.CALL_RETRIED,
            Topology.CALL_DECLINED,
            Topology.routedKey("{tier}", Priority.LOW),
            Topology.parkedKey("{tier}"),
            Topology.TASK_DISCARDED);

    for (String key : keys) {
      assertThat(description).contains("`" + key.replace(".low", ".{priority}") + "`");
    }
    Arrays.stream(TaskState.values())
        .filter(TaskState::isEnd)
        .forEach(end -> assertThat(description).contains("`task." + end.wire() + "`"));
  }

  @Test
  void theHeadersOfADeadLetterAreThoseOfTheTopology() {
    var description = String.valueOf(api.section("info").get("description"));

    assertThat(description)
        .contains("`" + Topology.REASON_HEADER + "`")
        .contains("`" + Topology.SOURCE_HEADER + "`")
        .contains("`" + Topology.EXCHANGE_HEADER + "`")
        .contains("`" + Topology.LETTER_HEADER + "`");
  }

  private List<AsyncApi.Channel> channels() {
    var priorities = Arrays.stream(Priority.values()).map(Priority::wire).toList();
    return api.channels(Map.of("tier", TIERS, "priority", priorities));
  }

  private Map<String, Object> messages() {
    return api.section("components", "messages");
  }

  /// The record of a schema, or the interface of a family of records.
  private static Class<?> classOf(String schema) {
    try {
      return Sample.all().stream()
          .filter(sample -> sample.schema().equals(schema))
          .findFirst()
          .map(sample -> sample.message().getClass().getNestHost())
          .orElseThrow();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /// Every record, enum and family that a message is made of.
  private static Set<Class<?>> everyType() {
    var types = new LinkedHashSet<Class<?>>();
    Codec.schemas().forEach(schema -> add(classOf(schema), types));
    return types;
  }

  private static void add(Type type, Set<Class<?>> types) {
    if (type instanceof ParameterizedType generic) {
      Arrays.stream(generic.getActualTypeArguments()).forEach(it -> add(it, types));
    } else if (type instanceof Class<?> it && it.getName().startsWith("dev.symbiont")) {
      if (types.add(it)) {
        familyOf(it).forEach(member -> add(member, types));
        componentsOf(it).forEach(component -> add(component.getGenericType(), types));
      }
    }
  }

  private static String nameOf(Class<?> type) {
    return type.getNestHost() == type
        ? type.getSimpleName()
        : type.getNestHost().getSimpleName() + type.getSimpleName();
  }

  private static Map<String, Object> shapeOf(Class<?> type) {
    if (type.isEnum()) {
      var values =
          Arrays.stream(type.getEnumConstants()).map(it -> ((WireEnum) it).wire()).toList();
      return Map.of("type", "string", "enum", values);
    }
    if (type.isInterface()) {
      var members = familyOf(type).map(AsyncApiTest::referenceTo).toList();
      return Map.of("discriminator", discriminatorOf(type), "oneOf", members);
    }
    var required = new ArrayList<String>();
    var properties = new TreeMap<String, Object>();
    for (Class<?> family : type.getInterfaces()) {
      JsonSubTypes members = family.getAnnotation(JsonSubTypes.class);
      if (members != null) {
        String kind =
            Arrays.stream(members.value())
                .filter(it -> it.value() == type)
                .map(JsonSubTypes.Type::name)
                .findFirst()
                .orElseThrow();
        required.add(discriminatorOf(family));
        properties.put(discriminatorOf(family), Map.of("const", kind));
      }
    }
    for (RecordComponent component : componentsOf(type).toList()) {
      String name = component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
      properties.put(name, shapeOf(component.getGenericType()));
      if (isRequired(type, component)) {
        required.add(name);
      }
    }
    var shape = new TreeMap<String, Object>(Map.of("type", "object", "properties", properties));
    if (!required.isEmpty()) {
      shape.put("required", required.stream().sorted().toList());
    }
    return shape;
  }

  private static Map<String, Object> shapeOf(Type type) {
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      return generic.getRawType() == List.class || generic.getRawType() == Set.class
          ? Map.of("type", "array", "items", shapeOf(arguments[0]))
          : Map.of("type", "object", "additionalProperties", shapeOf(arguments[1]));
    }
    if (type == JsonNode.class) {
      return Map.of();
    }
    if (type == String.class) {
      return Map.of("type", "string");
    }
    if (type == Instant.class) {
      return Map.of("type", "string", "format", "date-time");
    }
    if (type == Duration.class) {
      return Map.of("type", "string", "format", "duration");
    }
    if (type == BigDecimal.class) {
      return Map.of("type", "number");
    }
    if (type == boolean.class || type == Boolean.class) {
      return Map.of("type", "boolean");
    }
    if (List.of(int.class, Integer.class, long.class, Long.class).contains(type)) {
      return Map.of("type", "integer");
    }
    return referenceTo((Class<?>) type);
  }

  private static Map<String, Object> referenceTo(Class<?> type) {
    return Map.of("$ref", SCHEMAS + nameOf(type));
  }

  /// A producer has to give the prompt only; what the fleet writes holds all that is not nullable.
  private static boolean isRequired(Class<?> type, RecordComponent component) {
    return type == Task.class
        ? component.getName().equals("task")
        : !component.getAnnotatedType().isAnnotationPresent(Nullable.class);
  }

  private static Stream<RecordComponent> componentsOf(Class<?> type) {
    return type.isRecord() ? Arrays.stream(type.getRecordComponents()) : Stream.empty();
  }

  private static Stream<Class<?>> familyOf(Class<?> type) {
    JsonSubTypes members = type.getAnnotation(JsonSubTypes.class);
    return members == null
        ? Stream.empty()
        : Arrays.stream(members.value()).map(JsonSubTypes.Type::value);
  }

  private static String discriminatorOf(Class<?> family) {
    return Objects.requireNonNull(family.getAnnotation(JsonTypeInfo.class)).property();
  }

  private static void collect(Object node, List<String> references) {
    if (node instanceof Map<?, ?> map) {
      map.forEach(
          (key, value) -> {
            if ("$ref".equals(key)) {
              references.add(String.valueOf(value));
            } else {
              collect(Objects.requireNonNullElse(value, ""), references);
            }
          });
    } else if (node instanceof List<?> list) {
      list.forEach(it -> collect(Objects.requireNonNull(it), references));
    }
  }
}
