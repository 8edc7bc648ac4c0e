package dev.symbiont.gateway.compat;

import dev.symbiont.contract.PartialText;
import dev.symbiont.gateway.EventStream;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.Texts;
import dev.symbiont.gateway.intake.Asking;
import dev.symbiont.gateway.intake.Ends;
import dev.symbiont.gateway.intake.IntakeSettings;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.springframework.stereotype.Component;

/// Asks for callers whose format knows no answer but the last.
@Component
final class Answers {

  private static final Duration STILL_HERE_EVERY = Duration.ofSeconds(10);

  private final Asking asking;
  private final Texts texts;
  private final LedgerDoor ledger;
  private final IntakeSettings settings;

  Answers(Asking asking, Texts texts, LedgerDoor ledger, IntakeSettings settings) {
    this.asking = asking;
    this.texts = texts;
    this.ledger = ledger;
    this.settings = settings;
  }

  /// How a format tells an answer in pieces.
  interface Teller {

    /// Before the first piece.
    void begin(String model);

    void more(String text);

    void end(Answer answer);

    /// Of a problem when the status line is gone.
    void fail(Problem problem);
  }

  Answer to(Asking.Request request) throws InterruptedException {
    return asking
        .submitAndWait(request, settings.patience())
        .map(Answer::of)
        .orElseThrow(() -> Ends.takesTooLong(request.id()));
  }

  /// As events, while the answer comes. What goes wrong before the first has a status of its own.
  void stream(Asking.Request request, EventStream events, Teller teller)
      throws InterruptedException {
    try (Texts.Follower text = texts.follow(request.id(), ledger.client())) {
      var answer = new CompletableFuture<Answer>();
      var _ = answer.whenComplete((_, _) -> text.wake());
      Thread asker = Thread.startVirtualThread(() -> complete(answer, request));
      try {
        var told = new Told(teller);
        while (!answer.isDone()) {
          Optional<PartialText> piece = text.next(STILL_HERE_EVERY);
          piece.ifPresent(told::more);
          if (piece.isEmpty() && !answer.isDone()) {
            events.stillHere();
          }
        }
        told.end(answer.join());
      } catch (CompletionException e) {
        if (!(e.getCause() instanceof Problem problem)) {
          throw e;
        }
        if (!events.hasBegun()) {
          throw problem;
        }
        teller.fail(problem);
      } finally {
        asker.interrupt(); // the caller may have gone
      }
    }
  }

  private void complete(CompletableFuture<Answer> answer, Asking.Request request) {
    try {
      answer.complete(to(request));
    } catch (InterruptedException | RuntimeException e) {
      answer.completeExceptionally(e);
    }
  }

  /// What the caller has of the answer.
  private static final class Told {
    private final Teller teller;
    private final StringBuilder text = new StringBuilder();
    private boolean begun;

    Told(Teller teller) {
      this.teller = teller;
    }

    /// A piece that does not fit belongs to another call: its text is held against the end.
    void more(PartialText piece) {
      if (piece.at() == text.length()) {
        begin(piece.model());
        teller.more(piece.text());
        text.append(piece.text());
      }
    }

    void end(Answer answer) {
      String whole = answer.text();
      if (!whole.startsWith(text.toString())) {
        // A tier was limited in the middle of its answer, and another one has answered.
        teller.fail(Ends.begunAnew(answer.result().id()));
        return;
      }
      begin(answer.model());
      if (whole.length() > text.length()) {
        teller.more(whole.substring(text.length()));
      }
      teller.end(answer);
    }

    private void begin(String model) {
      if (!begun) {
        teller.begin(model);
        begun = true;
      }
    }
  }
}
