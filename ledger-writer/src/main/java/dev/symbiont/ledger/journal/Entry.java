package dev.symbiont.ledger.journal;

import com.fasterxml.jackson.annotation.JsonRawValue;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.wire.Codec;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import tools.jackson.databind.JsonNode;

/// A line of `tasks.jsonl`: one step, as it was published or as the ledger-writer decided it.
public record Entry(String eventId, Instant recordedAt, Step step) {

  public static Entry of(Step step, Instant now) {
    return new Entry(step.eventId(), now, step);
  }

  private record Written(
      String eventId, Instant recordedAt, String schema, @JsonRawValue String body) {}

  private record Read(String eventId, Instant recordedAt, String schema, JsonNode body) {}

  public byte[] toJson() {
    var body = new String(Codec.encode(step), StandardCharsets.UTF_8);
    return Codec.mapper()
        .writeValueAsBytes(new Written(eventId, recordedAt, Codec.schemaOf(step), body));
  }

  public static Entry read(byte[] line) {
    var read = Codec.read(line, Read.class);
    byte[] body = Codec.mapper().writeValueAsBytes(read.body);
    return new Entry(read.eventId, read.recordedAt, (Step) Codec.decode(read.schema, body));
  }
}
