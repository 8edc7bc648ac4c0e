package dev.symbiont.gateway.status;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TaskState;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// Tasks and calls, newest first, in pages: `next` of one page is the `cursor` of the next, and is
/// missing in the last.
@RestController
class ListEndpoints {

  private static final int DEFAULT_LIMIT = 50;
  private static final int MOST = 1_000;

  private final LedgerDoor ledger;

  ListEndpoints(LedgerDoor ledger) {
    this.ledger = ledger;
  }

  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Tasks(List<?> tasks, int count, @Nullable String next) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Entries(List<?> entries, int count, @Nullable String next) {}

  @GetMapping("/tasks")
  ResponseEntity<byte[]> tasks(@RequestParam Map<String, String> query) {
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
                    wanted.text("cursor")),
            LedgerAnswer.Tasks.class);
    refuse(answer.invalid());
    return Http.ok(new Tasks(answer.tasks(), answer.tasks().size(), answer.next()));
  }

  @GetMapping("/ledger")
  ResponseEntity<byte[]> entries(@RequestParam Map<String, String> query) {
    var wanted =
        new Wanted(query, "limit", "model", "tier", "label", "success", "since", "until", "cursor");
    var answer =
        ledger.ask(
            (ask, reply) ->
                new LedgerQuery.Entries(
                    ask,
                    reply,
                    wanted.number("limit", DEFAULT_LIMIT, MOST),
                    wanted.text("model"),
                    wanted.text("tier"),
                    wanted.label("label"),
                    wanted.flag("success"),
                    wanted.time("since"),
                    wanted.time("until"),
                    wanted.text("cursor")),
            LedgerAnswer.Entries.class);
    refuse(answer.invalid());
    return Http.ok(new Entries(answer.entries(), answer.entries().size(), answer.next()));
  }

  private static void refuse(@Nullable String invalid) {
    if (invalid != null) {
      throw Problem.of(HttpStatus.UNPROCESSABLE_CONTENT, invalid);
    }
  }
}
