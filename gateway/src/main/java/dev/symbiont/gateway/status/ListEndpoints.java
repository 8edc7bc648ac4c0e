package dev.symbiont.gateway.status;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.WireEnum;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.access.Caller;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;

/// Tasks and calls, newest first, in pages: `next` of one page is the `cursor` of the next, and is
/// missing in the last.
@RestController
class ListEndpoints {

  private static final int DEFAULT_LIMIT = 50;
  private static final int MOST = 1_000;

  private enum Format implements WireEnum {
    JSONL,
    CSV
  }

  private final LedgerDoor ledger;

  ListEndpoints(LedgerDoor ledger) {
    this.ledger = ledger;
  }

  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Tasks(List<?> tasks, int count, @Nullable String next) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Entries(List<?> entries, int count, @Nullable String next) {}

  @GetMapping("/tasks")
  ResponseEntity<byte[]> tasks(
      @RequestParam Map<String, String> query, @AuthenticationPrincipal Caller caller) {
    var wanted =
        new Wanted(query, "limit", "state", "tier", "label", "since", "until", "text", "cursor");
    var answer =
        ledger.ask(
            (ask, reply) ->
                new LedgerQuery.Tasks(
                    ask,
                    reply,
                    wanted.number("limit", DEFAULT_LIMIT, MOST),
                    wanted.oneOf("state", TaskState.values()),
                    wanted.text("tier"),
                    wanted.label("label"),
                    wanted.time("since"),
                    wanted.time("until"),
                    wanted.text("text"),
                    caller.owner(),
                    wanted.text("cursor")),
            LedgerAnswer.Tasks.class);
    refuse(answer.invalid());
    return Http.ok(new Tasks(answer.tasks(), answer.tasks().size(), answer.next()));
  }

  @GetMapping("/ledger")
  ResponseEntity<byte[]> entries(
      @RequestParam Map<String, String> query, @AuthenticationPrincipal Caller caller) {
    var wanted =
        new Wanted(query, "limit", "model", "tier", "label", "success", "since", "until", "cursor");
    var answer =
        entries(wanted, caller, wanted.number("limit", DEFAULT_LIMIT, MOST), wanted.text("cursor"));
    return Http.ok(new Entries(answer.entries(), answer.entries().size(), answer.next()));
  }

  /// All that pass the filter, as lines of JSON or as a table. What is added meanwhile is left out.
  @GetMapping("/ledger/export")
  void export(
      @RequestParam Map<String, String> query,
      @AuthenticationPrincipal Caller caller,
      HttpServletResponse response)
      throws IOException {
    var wanted = new Wanted(query, "format", "model", "tier", "label", "success", "since", "until");
    boolean csv = wanted.oneOf("format", Format.values()) == Format.CSV;
    LedgerAnswer.Entries page = entries(wanted, caller, MOST, null);
    response.setContentType(csv ? "text/csv;charset=UTF-8" : "application/jsonl");
    response.setHeader(
        HttpHeaders.CONTENT_DISPOSITION,
        "attachment; filename=\"ledger.%s\"".formatted(csv ? "csv" : "jsonl"));
    OutputStream out = response.getOutputStream();
    if (csv) {
      out.write(Export.HEAD);
    }
    while (true) {
      for (JsonNode line : page.entries()) {
        out.write(csv ? Export.row(line) : Export.line(line));
      }
      if (page.next() == null) {
        return;
      }
      page = entries(wanted, caller, MOST, page.next());
    }
  }

  private LedgerAnswer.Entries entries(
      Wanted wanted, Caller caller, int limit, @Nullable String cursor) {
    var answer =
        ledger.ask(
            (ask, reply) ->
                new LedgerQuery.Entries(
                    ask,
                    reply,
                    limit,
                    wanted.text("model"),
                    wanted.text("tier"),
                    wanted.label("label"),
                    wanted.flag("success"),
                    wanted.time("since"),
                    wanted.time("until"),
                    caller.owner(),
                    cursor),
            LedgerAnswer.Entries.class);
    refuse(answer.invalid());
    return answer;
  }

  private static void refuse(@Nullable String invalid) {
    if (invalid != null) {
      throw Problem.invalid(invalid, null);
    }
  }
}
