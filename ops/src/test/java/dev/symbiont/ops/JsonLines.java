package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// A file of JSON lines that somebody is writing.
final class JsonLines {

  private JsonLines() {}

  /// The lines that are whole: of the last one there may be only a part yet.
  static List<JsonNode> read(Path file) {
    try {
      String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      return text.substring(0, text.lastIndexOf('\n') + 1)
          .lines()
          .map(line -> Codec.mapper().readTree(line))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
