package dev.symbiont.ops.conformance;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Delivery;
import dev.symbiont.contract.wire.Codec;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// A message of the fleet.
///
/// @param json the body, or a missing node if it is none
@SuppressWarnings("ArrayRecordComponent") // never compared, and not copied on the way
record Seen(String key, AMQP.BasicProperties properties, byte[] body, JsonNode json) {

  static Seen of(Delivery delivery) {
    byte[] body = delivery.getBody();
    return new Seen(
        delivery.getEnvelope().getRoutingKey(), delivery.getProperties(), body, read(body));
  }

  @Nullable String correlationId() {
    return properties.getCorrelationId();
  }

  /// The text of a header, empty if it has none of that name.
  String header(String name) {
    Object value = properties.getHeaders() == null ? null : properties.getHeaders().get(name);
    return value == null ? "" : value.toString();
  }

  private static JsonNode read(byte[] body) {
    try {
      return Codec.mapper().readTree(body);
    } catch (JacksonException e) {
      return Codec.mapper().missingNode();
    }
  }
}
