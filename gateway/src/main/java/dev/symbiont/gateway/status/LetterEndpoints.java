package dev.symbiont.gateway.status;

import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.LetterVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.gateway.Http;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// What was set aside, and what becomes of it; and whether everything adds up.
@RestController
class LetterEndpoints {

  private static final int DEFAULT_LIMIT = 100;
  private static final int MOST = 1_000;

  private final LedgerDoor ledger;
  private final Tiers tiers;

  LetterEndpoints(LedgerDoor ledger, Tiers tiers) {
    this.ledger = ledger;
    this.tiers = tiers;
  }

  /// @param tier to send it to; as it was decided at first if absent
  /// @param task the prompt to use instead
  private record Replay(@Nullable String tier, @Nullable String task) {}

  @GetMapping("/dead-letters")
  ResponseEntity<byte[]> list(@RequestParam Map<String, String> query) {
    var wanted = new Wanted(query, "limit", "cause");
    int limit = wanted.number("limit", DEFAULT_LIMIT, MOST);
    String cause = wanted.text("cause");
    var found =
        ledger.ask(
            (ask, reply) -> new LedgerQuery.DeadLetters(ask, reply, limit, cause),
            LedgerAnswer.DeadLetters.class);
    var body = new LinkedHashMap<String, Object>();
    body.put("total", found.byCause().values().stream().mapToLong(Long::longValue).sum());
    body.put("by_cause", found.byCause());
    body.put("dead_letters", found.letters());
    return Http.ok(body);
  }

  @PostMapping("/dead-letters/{id}/replay")
  ResponseEntity<byte[]> replay(@PathVariable String id, HttpServletRequest request)
      throws IOException {
    Replay replay = read(request.getInputStream().readNBytes(Task.MAX_BYTES));
    var answer =
        ledger.ask(
            (ask, reply) -> new LedgerQuery.Replay(ask, reply, id, replay.tier(), replay.task()),
            LedgerAnswer.Replay.class);
    return answer(id, answer.verdict(), "replayed");
  }

  @DeleteMapping("/dead-letters/{id}")
  ResponseEntity<byte[]> discard(@PathVariable String id) {
    var answer =
        ledger.ask(
            (ask, reply) -> new LedgerQuery.Discard(ask, reply, id), LedgerAnswer.Discard.class);
    return answer(id, answer.verdict(), "discarded");
  }

  @GetMapping("/reconcile")
  ResponseEntity<byte[]> reconcile() {
    return reconcile(false);
  }

  @PostMapping("/reconcile")
  ResponseEntity<byte[]> redrive() {
    return reconcile(true);
  }

  private ResponseEntity<byte[]> reconcile(boolean redrive) {
    return Http.ok(
        ledger.ask(
            (ask, reply) -> new LedgerQuery.Reconcile(ask, reply, redrive),
            LedgerAnswer.Reconcile.class));
  }

  private Replay read(byte[] body) {
    if (body.length == 0) {
      return new Replay(null, null);
    }
    try {
      Replay replay = Codec.read(body, Replay.class);
      if (replay.tier() != null && tiers.find(replay.tier()).isEmpty()) {
        throw new InvalidFieldException(
            "tier", "must be one of " + String.join(", ", tiers.names()));
      }
      if (replay.task() != null) {
        var _ = Task.of(replay.task()); // the same rules hold for it
      }
      return replay;
    } catch (UnreadableMessageException e) {
      throw Problem.invalid(String.valueOf(e.getMessage()), e.field());
    } catch (InvalidFieldException e) {
      throw Problem.invalid(String.valueOf(e.getMessage()), e.field());
    }
  }

  private static ResponseEntity<byte[]> answer(String id, LetterVerdict verdict, String done) {
    return switch (verdict) {
      case DONE -> Http.ok(Map.of("id", id, "status", done));
      case UNKNOWN -> throw Problem.of(HttpStatus.NOT_FOUND, "nothing has this id").with("id", id);
      case NOT_SET_ASIDE ->
          throw Problem.of(HttpStatus.CONFLICT, "it is not set aside, or no longer").with("id", id);
      case NO_TIER ->
          throw Problem.of(
                  HttpStatus.CONFLICT,
                  "it was set aside before a tier was chosen; name one in the field 'tier'")
              .with("id", id);
      case UNKNOWN_TIER -> throw Problem.invalid("the ledger-writer knows no such tier", "tier");
      case GONE ->
          throw Problem.of(
                  HttpStatus.GONE,
                  "the message itself is no longer in the queue symbiont.dead-letters")
              .with("id", id);
    };
  }
}
