package dev.symbiont.gateway.status;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.TaskEvent;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TaskState;
import dev.symbiont.gateway.EventStream;
import dev.symbiont.gateway.LedgerDoor;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.Texts;
import dev.symbiont.gateway.access.Caller;
import dev.symbiont.gateway.access.KeyRing;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationListener;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/// What happens to tasks, as it happens: server-sent events, read on from the journal. An event's
/// id is its place there, so any gateway can go on where another left off.
@RestController
class EventEndpoints implements ApplicationListener<ContextClosedEvent> {

  private static final Duration LOOK_EVERY = Duration.ofMillis(250);
  private static final Duration STILL_HERE_EVERY = Duration.ofSeconds(10);
  private static final Set<String> ENDS =
      Arrays.stream(TaskState.values())
          .filter(TaskState::isEnd)
          .map(TaskState::wire)
          .collect(Collectors.toUnmodifiableSet());

  private final LedgerDoor ledger;
  private final KeyRing ring;
  private final Texts texts;
  private volatile boolean stopping;

  EventEndpoints(LedgerDoor ledger, KeyRing ring, Texts texts) {
    this.texts = texts;
    this.ring = ring;
    this.ledger = ledger;
  }

  /// From now on, or from an event on.
  @GetMapping("/events")
  void all(
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String last,
      HttpServletResponse response)
      throws InterruptedException {
    follow(null, last, caller, new EventStream(response), Thread::sleep);
  }

  /// From its beginning, or from an event on, until its end.
  @GetMapping("/tasks/{id}/events")
  void ofTask(
      @PathVariable String id,
      @AuthenticationPrincipal Caller caller,
      @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String last,
      HttpServletResponse response)
      throws InterruptedException {
    var _ = ledger.task(id, caller); // or 404
    var events = new EventStream(response);
    try (Texts.Follower text = texts.follow(id, ledger.client())) {
      follow(id, last, caller, events, pause -> tell(text, pause, events));
    }
  }

  /// Nobody shall wait for those who only watch.
  @Override
  public void onApplicationEvent(ContextClosedEvent event) {
    stopping = true;
  }

  private void follow(
      @Nullable String task, @Nullable String last, Caller caller, EventStream events, Pause pause)
      throws InterruptedException {
    Long after = place(last);
    // The caller learns that it is connected before anything happens.
    var answer = ask(after, task, caller);
    if (task == null && answer.events().isEmpty()) {
      events.stillHere(answer.next());
    } else {
      events.stillHere();
    }
    long heard = System.nanoTime();
    while (!stopping && ring.stillHolds(caller)) {
      for (TaskEvent each : answer.events()) {
        events.event(each.id(), each.event(), each);
        heard = System.nanoTime();
        if (task != null && ENDS.contains(each.event())) {
          return;
        }
      }
      if (!answer.more()) {
        pause.of(LOOK_EVERY);
        if (System.nanoTime() - heard > STILL_HERE_EVERY.toNanos()) {
          events.stillHere();
          heard = System.nanoTime();
        }
      }
      try {
        answer = ask(answer.next(), task, caller);
      } catch (Problem e) {
        // No ledger-writer just now; the caller need not know, and is told nothing until it is
        // back.
        answer = new LedgerAnswer.Events("", List.of(), answer.next(), false);
      }
    }
  }

  /// What is done until it is time to look again.
  private interface Pause {
    void of(Duration length) throws InterruptedException;
  }

  /// Passes on what comes of the answer. It is in no journal, so it has no id to go on from.
  private static void tell(Texts.Follower text, Duration pause, EventStream events)
      throws InterruptedException {
    long until = System.nanoTime() + pause.toNanos();
    for (long left = pause.toNanos(); left > 0; left = until - System.nanoTime()) {
      text.next(Duration.ofNanos(left)).ifPresent(it -> events.event("text", it));
    }
  }

  private LedgerAnswer.Events ask(@Nullable Long after, @Nullable String task, Caller caller) {
    return ledger.ask(
        (ask, reply) -> new LedgerQuery.Events(ask, reply, after, task, caller.owner()),
        LedgerAnswer.Events.class);
  }

  private static @Nullable Long place(@Nullable String last) {
    if (last == null || last.isEmpty()) {
      return null;
    }
    try {
      return Long.parseLong(last);
    } catch (NumberFormatException e) {
      throw Wanted.invalid("Last-Event-ID", "must be the id of an event");
    }
  }
}
