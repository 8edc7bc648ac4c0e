package dev.symbiont.contract.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.symbiont.contract.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// A wire sample: a message as a file, which every later version must be able to read.
///
/// The file is named after the schema, and after the case where a schema has several:
/// `symbiont.grant.v1.granted.json`.
record Sample(String name, String text) {

  private static final Path FOLDER = Path.of("src", "test", "resources", "wire");
  private static final Pattern SCHEMA = Pattern.compile("(symbiont\\.[a-z-]+\\.v\\d+)(\\..*)?");

  static List<Sample> all() throws IOException {
    try (var files = Files.list(FOLDER)) {
      return files.sorted().map(Sample::read).toList();
    }
  }

  static Sample named(String name) {
    return read(FOLDER.resolve(name + ".json"));
  }

  String schema() {
    var matcher = SCHEMA.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalStateException(name + " does not begin with a schema name");
    }
    return matcher.group(1);
  }

  Message message() {
    return Codec.decode(schema(), text.getBytes(UTF_8));
  }

  JsonNode tree() {
    return Codec.mapper().readTree(text);
  }

  @Override
  public String toString() {
    return name;
  }

  private static Sample read(Path file) {
    try {
      String fileName = String.valueOf(file.getFileName());
      return new Sample(fileName.replaceFirst("\\.json$", ""), Files.readString(file));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
