package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Ids;
import dev.symbiont.contract.LedgerAnswer.LetterVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.Work;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Delivery;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Parcel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// The messages that were set aside. Only taking one out goes through their queue; whatever is
/// looked at comes from the journal.
final class DeadLetterQueue {

  /// No task can have such an id.
  private static final String NO_TASK = "message~";

  private static final int DIGITS = 16;
  private static final int PREVIEW_BYTES = 2_000;

  private final Broker broker;
  private final Hop hop;

  DeadLetterQueue(Broker broker, Hop hop) {
    this.broker = broker;
    this.hop = hop;
  }

  /// Whether it is the id of a message that never became a task, and is therefore nowhere but here.
  static boolean isNoTask(String id) {
    return id.startsWith(NO_TASK);
  }

  /// The journal's entry for a message that was set aside.
  static SetAside entry(Delivery delivery, Instant now) {
    byte[] body = delivery.body();
    Object given = delivery.headers().get(Topology.REASON_HEADER);
    String reason =
        given == null
            ? "the broker gave it up: " + delivery.headers().get("x-first-death-reason")
            : given.toString();
    Object queue =
        delivery
            .headers()
            .getOrDefault(
                Topology.SOURCE_HEADER,
                delivery.headers().getOrDefault("x-first-death-queue", delivery.queue()));
    String id = idOf(delivery);
    int replay = replayOf(delivery);
    return new SetAside(
        id,
        id + (replay == 0 ? "/set_aside" : "/set_aside." + replay),
        queue.toString(),
        reason,
        now,
        body.length,
        CallEnded.preview(
            new String(body, 0, Math.min(body.length, PREVIEW_BYTES), StandardCharsets.UTF_8)),
        replay);
  }

  /// Takes out what an operator has settled.
  void remove(String id, int replay) throws IOException {
    broker.visit(
        Topology.DEAD_LETTERS,
        letter ->
            idOf(letter).equals(id) && replayOf(letter) <= replay
                ? Optional.of(hop.forward(letter, List.of()))
                : Optional.empty());
  }

  /// Publishes a producer's message once more, and only then takes it out. Further copies, left
  /// behind by a role that died while it set the message aside, only go.
  LetterVerdict sendAgain(LedgerQuery.Replay query) throws IOException {
    var found = new AtomicBoolean();
    broker.visit(
        Topology.DEAD_LETTERS,
        letter -> {
          if (!idOf(letter).equals(query.taskId())) {
            return Optional.empty();
          }
          List<Parcel> again =
              found.compareAndSet(false, true) ? List.of(again(letter, query)) : List.of();
          return Optional.of(hop.forward(letter, again));
        });
    return found.get() ? LetterVerdict.DONE : LetterVerdict.GONE;
  }

  private static Parcel again(Delivery letter, LedgerQuery.Replay query) {
    return isWebhook(letter)
        ? Parcel.webhook(Topology.WEBHOOK_DUE, Codec.read(letter.body(), Webhook.class).afresh())
        : Parcel.again(letter, body(letter, query));
  }

  /// Only what came from the fleet's own queue of them: it is going to be signed.
  private static boolean isWebhook(Delivery letter) {
    Object died = letter.headers().getOrDefault("x-first-death-queue", Topology.WEBHOOKS);
    return Topology.WEBHOOKS.equals(String.valueOf(letter.headers().get(Topology.SOURCE_HEADER)))
        && String.valueOf(died).startsWith(Topology.WEBHOOKS);
  }

  private static byte[] body(Delivery letter, LedgerQuery.Replay query) {
    String prompt = query.task();
    return prompt == null
        ? letter.body()
        : Codec.encode(Task.of(prompt).withForceTier(query.tier()));
  }

  /// A message of the fleet speaks for its task; anything else gets an id from its body and from
  /// what tells it apart from another one with the same body.
  private static String idOf(Delivery delivery) {
    Step step = stepIn(delivery);
    if (step != null) {
      return step.taskId();
    }
    Object mark = delivery.properties().getMessageId();
    if (mark == null) {
      mark =
          delivery
              .headers()
              .getOrDefault(Topology.LETTER_HEADER, delivery.headers().get("x-death"));
    }
    var digest = Ids.sha256();
    digest.update(String.valueOf(mark).getBytes(StandardCharsets.UTF_8));
    return NO_TASK + HexFormat.of().formatHex(digest.digest(delivery.body())).substring(0, DIGITS);
  }

  private static int replayOf(Delivery delivery) {
    return switch (stepIn(delivery)) {
      case Work work -> work.replay();
      case TaskEnded end -> end.replay();
      case null, default -> 0;
    };
  }

  /// Producers can write anything into the inbox, and it can end up here: only what was published
  /// to the fleet's own exchange is believed.
  private static @Nullable Step stepIn(Delivery delivery) {
    Object exchange =
        delivery
            .headers()
            .getOrDefault(
                Topology.EXCHANGE_HEADER,
                delivery.headers().getOrDefault("x-first-death-exchange", delivery.exchange()));
    try {
      return Topology.FLOW.equals(String.valueOf(exchange))
              && Codec.decode(delivery.schema(), delivery.body()) instanceof Step step
          ? step
          : null;
    } catch (UnreadableMessageException e) {
      return null; // set aside because it is unreadable
    }
  }
}
