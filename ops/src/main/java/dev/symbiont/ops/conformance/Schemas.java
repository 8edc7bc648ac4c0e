package dev.symbiont.ops.conformance;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.databind.JsonNode;

/// The schemas of `docs/asyncapi.yaml`, as far as that document uses JSON Schema. Fields that a
/// schema does not know are allowed, as readers have to ignore them.
final class Schemas {

  private static final JsonNode DOCUMENT = read();

  private Schemas() {}

  /// What a message breaks of the schema that its type names; nothing if it keeps it.
  static List<String> problems(String type, JsonNode body) {
    var problems = new ArrayList<String>();
    DOCUMENT
        .at("/components/messages")
        .valueStream()
        .filter(it -> it.path("name").asString("").equals(type))
        .findFirst()
        .ifPresentOrElse(
            it -> check("", body, it.path("payload"), problems),
            () -> problems.add("the schema '%s', which is unknown".formatted(type)));
    return problems;
  }

  /// What a value breaks of this schema.
  static List<String> problems(JsonNode schema, JsonNode value) {
    var problems = new ArrayList<String>();
    check("", value, schema, problems);
    return problems;
  }

  private static void check(String at, JsonNode value, JsonNode schema, List<String> problems) {
    if (schema.has("$ref")) {
      check(at, value, DOCUMENT.at(schema.path("$ref").asString().substring(1)), problems);
      return;
    }
    if (schema.has("discriminator")) {
      checkFamily(at, value, schema, problems);
      return;
    }
    if (!isOfType(value, schema.path("type").asString(""))) {
      problems.add("%s is no %s".formatted(named(at), schema.path("type").asString()));
      return;
    }
    if (!isFormatted(value, schema.path("format").asString(""))) {
      problems.add("%s is no %s in UTC".formatted(named(at), schema.path("format").asString()));
    }
    if (schema.has("const") && !schema.path("const").equals(value)) {
      problems.add("%s is not %s".formatted(named(at), schema.path("const")));
    }
    if (schema.has("enum") && schema.path("enum").valueStream().noneMatch(value::equals)) {
      problems.add("%s is none of %s".formatted(named(at), schema.path("enum")));
    }
    for (JsonNode name : schema.path("required")) {
      if (!value.has(name.asString())) {
        problems.add("%s is missing".formatted(named(at + "." + name.asString())));
      }
    }
    for (int i = 0; i < value.size() && value.isArray() && schema.has("items"); i++) {
      check("%s[%d]".formatted(at, i), value.path(i), schema.path("items"), problems);
    }
    JsonNode others = schema.path("additionalProperties");
    value.forEachEntry(
        (name, field) -> {
          JsonNode known = schema.path("properties").path(name);
          if (!known.isMissingNode() || others.isObject()) {
            check(at + "." + name, field, known.isMissingNode() ? others : known, problems);
          } else if (others.isBoolean() && !others.booleanValue()) {
            problems.add("%s is not allowed".formatted(named(at + "." + name)));
          }
        });
  }

  /// The member of the family that the value says it is.
  private static void checkFamily(
      String at, JsonNode value, JsonNode schema, List<String> problems) {
    String field = schema.path("discriminator").asString();
    for (JsonNode member : schema.path("oneOf")) {
      JsonNode kind =
          DOCUMENT
              .at(member.path("$ref").asString().substring(1))
              .path("properties")
              .path(field)
              .path("const");
      if (kind.equals(value.path(field))) {
        check(at, value, member, problems);
        return;
      }
    }
    problems.add("%s.%s names no known kind".formatted(named(at), field));
  }

  private static boolean isOfType(JsonNode value, String type) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isString();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      case "boolean" -> value.isBoolean();
      default -> !value.isMissingNode();
    };
  }

  private static boolean isFormatted(JsonNode value, String format) {
    try {
      return switch (format) {
        case "date-time" -> {
          var _ = Instant.parse(value.asString());
          yield value.asString().endsWith("Z");
        }
        case "duration" -> !Duration.parse(value.asString()).isNegative();
        default -> true;
      };
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  private static String named(String at) {
    return at.isEmpty() ? "the body" : at.substring(1);
  }

  private static JsonNode read() {
    try (InputStream in =
        Objects.requireNonNull(Schemas.class.getResourceAsStream("/asyncapi.yaml"))) {
      Object document = new Yaml(new SafeConstructor(new LoaderOptions())).load(in);
      return Codec.mapper().valueToTree(document);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
