package dev.symbiont.contract.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/// The public contract as it is written in `docs/asyncapi.yaml`.
record AsyncApi(Map<String, Object> document) {

  /// What a schema says about the shape of a value; the rest is for the reader.
  private static final List<String> SHAPE =
      List.of("type", "format", "enum", "const", "$ref", "discriminator", "oneOf");

  static AsyncApi read() throws IOException {
    String text = Files.readString(Path.of("..", "docs", "asyncapi.yaml"));
    return new AsyncApi(
        map(Objects.requireNonNull(new Yaml(new SafeConstructor(new LoaderOptions())).load(text))));
  }

  Map<String, Object> section(String... path) {
    Object at = document;
    for (String step : path) {
      at = Objects.requireNonNull(map(at).get(step), () -> String.join(".", path));
    }
    return map(at);
  }

  /// A channel for each combination of what its parameters may be.
  List<Channel> channels(Map<String, List<String>> values) {
    var channels = new ArrayList<Channel>();
    section("channels")
        .forEach(
            (key, value) -> {
              Map<String, Object> channel = map(value);
              if (channel.get("address") instanceof String address) {
                expand(address, channel, values)
                    .forEach(it -> channels.add(new Channel(key, it, channel)));
              }
            });
    return channels;
  }

  /// The shape of a schema, without what is for the reader only.
  static Map<String, Object> shape(Object schema) {
    var shape = new TreeMap<String, Object>();
    map(schema)
        .forEach(
            (key, value) -> {
              switch (key) {
                case "required" ->
                    shape.put(key, list(value).stream().map(String::valueOf).sorted().toList());
                case "properties" -> {
                  var properties = new TreeMap<String, Object>();
                  map(value).forEach((name, property) -> properties.put(name, shape(property)));
                  shape.put(key, properties);
                }
                case "items", "additionalProperties" -> shape.put(key, shape(value));
                default -> {
                  if (SHAPE.contains(key)) {
                    shape.put(key, value);
                  }
                }
              }
            });
    return shape;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }

  static List<?> list(Object value) {
    return (List<?>) value;
  }

  private static List<String> expand(
      String address, Map<String, Object> channel, Map<String, List<String>> values) {
    var addresses = List.of(address);
    for (String parameter : map(channel.getOrDefault("parameters", Map.of())).keySet()) {
      var expanded = new ArrayList<String>();
      for (String template : addresses) {
        for (String value : Objects.requireNonNull(values.get(parameter), parameter)) {
          expanded.add(template.replace("{" + parameter + "}", value));
        }
      }
      addresses = expanded;
    }
    return addresses;
  }

  record Channel(String key, String address, Map<String, Object> content) {

    boolean isExchange() {
      return "routingKey".equals(amqp().get("is"));
    }

    Map<String, Object> exchange() {
      return map(Objects.requireNonNull(amqp().get("exchange")));
    }

    Map<String, Object> arguments() {
      return new LinkedHashMap<>(map(content.getOrDefault("x-arguments", Map.of())));
    }

    private Map<String, Object> amqp() {
      var bindings = map(Objects.requireNonNull(content.get("bindings"), key));
      return map(Objects.requireNonNull(bindings.get("amqp"), key));
    }
  }
}
