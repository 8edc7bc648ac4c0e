package dev.symbiont.gateway.status;

import dev.symbiont.contract.wire.Codec;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// Lines of the ledger for other programs: JSON, or a table as RFC 4180 has it.
final class Export {

  private static final List<String> COLUMNS =
      List.of(
          "timestamp",
          "model",
          "success",
          "elapsed_seconds",
          "input_tokens",
          "output_tokens",
          "estimated_cost_usd",
          "prompt_preview",
          "call_id",
          "task_id",
          "tier",
          "purpose",
          "attempt",
          "outcome",
          "worker",
          "cache_read_tokens",
          "cache_write_tokens",
          "resolved_model",
          "simulated",
          "cost_basis");

  static final byte[] HEAD = bytes(String.join(",", COLUMNS) + "\r\n");

  private Export() {}

  static byte[] line(JsonNode call) {
    return bytes(new String(Codec.encode(call), StandardCharsets.UTF_8) + "\n");
  }

  static byte[] row(JsonNode call) {
    return bytes(
        COLUMNS.stream()
            .map(it -> field(call.path(it)))
            .collect(Collectors.joining(",", "", "\r\n")));
  }

  /// Text that a spreadsheet would take for a formula begins with an apostrophe.
  private static String field(JsonNode value) {
    if (!value.isString()) {
      return value.isMissingNode() || value.isNull() ? "" : value.toString();
    }
    String text = value.stringValue();
    String safe = !text.isEmpty() && "=+-@".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
    return '"' + safe.replace("\"", "\"\"") + '"';
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
