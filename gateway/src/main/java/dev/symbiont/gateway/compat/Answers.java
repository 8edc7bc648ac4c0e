package dev.symbiont.gateway.compat;

import dev.symbiont.gateway.EventStream;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.intake.Asking;
import dev.symbiont.gateway.intake.Ends;
import dev.symbiont.gateway.intake.IntakeSettings;
import java.util.function.Consumer;
import org.springframework.stereotype.Component;

/// Asks for callers whose format knows no answer but the last.
@Component
final class Answers {

  private final Asking asking;
  private final IntakeSettings settings;

  Answers(Asking asking, IntakeSettings settings) {
    this.asking = asking;
    this.settings = settings;
  }

  Answer to(Asking.Request request) throws InterruptedException {
    return to(request, () -> {});
  }

  /// As events. What goes wrong before the first has a status of its own.
  ///
  /// @param send the answer
  /// @param fail tells of a problem when the status line is gone
  void stream(
      Asking.Request request, EventStream events, Consumer<Answer> send, Consumer<Problem> fail)
      throws InterruptedException {
    try {
      send.accept(to(request, events::stillHere));
    } catch (Problem e) {
      if (!events.hasBegun()) {
        throw e;
      }
      fail.accept(e);
    }
  }

  private Answer to(Asking.Request request, Runnable meanwhile) throws InterruptedException {
    return asking
        .submitAndWait(request, settings.patience(), meanwhile)
        .map(Answer::of)
        .orElseThrow(() -> Ends.takesTooLong(request.id()));
  }
}
