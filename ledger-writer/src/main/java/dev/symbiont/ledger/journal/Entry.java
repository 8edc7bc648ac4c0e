package dev.symbiont.ledger.journal;

import dev.symbiont.contract.Event;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.wire.Codec;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A line of `tasks.jsonl`: one step of a task, as it was published or as the ledger-writer decided
/// it, or what an operator did to a tier or a key.
public record Entry(String eventId, Instant recordedAt, Event event) {

  public static Entry of(Event event, Instant now) {
    return new Entry(event.eventId(), now, event);
  }

  /// Of a line that is known to hold a step.
  public Step step() {
    return (Step) event;
  }

  private record Read(String eventId, Instant recordedAt, String schema, JsonNode body) {}

  private static final byte[] EVENT_ID = "{\"event_id\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] RECORDED_AT = ",\"recorded_at\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] SCHEMA = ",\"schema\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] BODY = ",\"body\":".getBytes(StandardCharsets.US_ASCII);
  private static final int ROOM_FOR_THE_REST = 256;

  public byte[] toJson() {
    return toJson(null);
  }

  /// The line, with the event as it was published if it was.
  public byte[] toJson(byte @Nullable [] published) {
    byte[] body = published != null && isOneLine(published) ? published : Codec.encode(event);
    var line = new ByteArrayOutputStream(body.length + ROOM_FOR_THE_REST);
    line.writeBytes(EVENT_ID);
    line.writeBytes(Codec.encode(eventId));
    line.writeBytes(RECORDED_AT);
    line.writeBytes(Codec.encode(recordedAt));
    line.writeBytes(SCHEMA);
    line.writeBytes(Codec.encode(Codec.schemaOf(event)));
    line.writeBytes(BODY);
    line.writeBytes(body);
    line.write('}');
    return line.toByteArray();
  }

  private static boolean isOneLine(byte[] json) {
    for (byte each : json) {
      if (each == '\n' || each == '\r') {
        return false;
      }
    }
    return true;
  }

  public static Entry read(byte[] line) {
    var read = Codec.read(line, Read.class);
    byte[] body = Codec.mapper().writeValueAsBytes(read.body);
    return new Entry(read.eventId, read.recordedAt, (Event) Codec.decode(read.schema, body));
  }
}
