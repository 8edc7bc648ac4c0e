package dev.symbiont.ops;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.symbiont.contract.wire.Codec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

class JsonTreeTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "null",
        "\"\\u2028 \\ud83d\\ude00 ä\"",
        "[0, -1, 2147483648, 9223372036854775807, 9223372036854775808]",
        "[0.000300, 0.10, 1e-7, -0.0, 12345678901234567890.123456789012345678901234567890]",
        "[true, false, null, [[]], {}]",
        "{\"a\": {\"b\": [{\"c\": null}], \"d\": \"\"}, \"\": 1.5}",
      })
  void readsWhatAMapperReads(String json) {
    JsonNode mapped = Codec.mapper().readTree(json);

    JsonNode tree = read(json);

    assertThat(tree.toString()).isEqualTo(mapped.toString());
    assertThat(tree.getNodeType()).isEqualTo(mapped.getNodeType());
  }

  @Test
  void nothingIsNull() {
    assertThat(read("").isNull()).isTrue();
    assertThat(read(" \n").isNull()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[1",
        "{\"a\": }",
        "<html>",
        "[1,]",
        "\"half",
        "{} {}",
        "{\"a\": 1, \"a\": 2}"
      })
  void whatIsNotJsonIsRefused(String text) {
    assertThatThrownBy(() -> read(text)).isInstanceOf(JacksonException.class);
  }

  private static JsonNode read(String json) {
    return JsonTree.read(json.getBytes(UTF_8));
  }
}
