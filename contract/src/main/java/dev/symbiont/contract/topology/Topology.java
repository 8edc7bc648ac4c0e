package dev.symbiont.contract.topology;

import dev.symbiont.contract.Priority;
import dev.symbiont.contract.TierState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Every exchange, queue and binding of a fleet with these tiers. The arguments behave the same on
/// RabbitMQ 3.10 and 4.x; none may change once declared, or the broker refuses the declaration.
public record Topology(List<Exchange> exchanges, List<Queue> queues, List<Binding> bindings) {

  /// Producers write here, and nowhere else.
  public static final String TASKS = "symbiont.tasks";

  /// The fleet's own exchange: each message on it is a step of a task, or a question to the ledger.
  public static final String FLOW = "symbiont.flow";

  /// What others may watch.
  public static final String EVENTS = "symbiont.events";

  /// Messages that cannot go on, and deaths by the broker's own delivery limit.
  public static final String DEAD_LETTERS = "symbiont.dead-letters";

  public static final String LEDGER = "symbiont.ledger";
  public static final String WEBHOOKS = "symbiont.webhooks";
  public static final String CLASSIFIED = "symbiont.classified";

  /// Header that says why a message was set aside.
  public static final String REASON_HEADER = "symbiont-reason";

  /// Header that says from which queue a message was set aside.
  public static final String SOURCE_HEADER = "symbiont-source";

  /// Header that says to which exchange a message was published that was set aside later.
  public static final String EXCHANGE_HEADER = "symbiont-exchange";

  /// Header that tells a message that was set aside apart from others with the same body, if it has
  /// no message id.
  public static final String LETTER_HEADER = "symbiont-letter";

  private static final String UNKEYED = "symbiont.tasks.unkeyed";
  private static final String RESERVED = "symbiont.";
  private static final String REPLY = "reply.";

  /// Generous on purpose: attempts are counted by the journal, and a prefetched message counts as
  /// delivered.
  private static final int DELIVERY_LIMIT = 100;

  /// Where nothing may ever be given up: RabbitMQ 4 has a limit of its own where none is set.
  private static final int ENDLESS_DELIVERY_LIMIT = 1_000_000;

  public record Exchange(String name, String type, Map<String, Object> arguments) {}

  public record Queue(String name, Map<String, Object> arguments) {}

  /// A route from an exchange.
  ///
  /// @param toExchange whether the destination is an exchange; a queue otherwise
  public record Binding(String source, String destination, String key, boolean toExchange) {}

  public static Topology of(List<String> tiers) {
    var queues = new ArrayList<Queue>();
    var bindings = new ArrayList<Binding>();
    for (Priority priority : Priority.values()) {
      queues.add(new Queue(inbox(priority), work()));
      bindings.add(queue(TASKS, inbox(priority), priority.wire()));
      bindings.add(queue(FLOW, inbox(priority), acceptedKey(priority)));
    }
    bindings.add(queue(UNKEYED, inbox(Priority.NORMAL), ""));
    for (String tier : tiers) {
      for (Priority priority : Priority.values()) {
        queues.add(new Queue(tier(tier, priority), work()));
        bindings.add(queue(FLOW, tier(tier, priority), routedKey(tier, priority)));
        bindings.add(queue(FLOW, tier(tier, priority), classifyKey(tier, priority)));
      }
      queues.add(new Queue(parked(tier), work()));
      bindings.add(queue(FLOW, parked(tier), parkedKey(tier)));
    }
    queues.add(new Queue(CLASSIFIED, work()));
    bindings.add(queue(FLOW, CLASSIFIED, CALL_CLASSIFIED));
    bindings.add(queue(FLOW, CLASSIFIED, CALL_DECLINED));
    queues.add(new Queue(LEDGER, ledger()));
    queues.add(new Queue(DEAD_LETTERS, endless()));
    queues.add(new Queue(WEBHOOKS, endless()));
    bindings.add(queue(FLOW, WEBHOOKS, WEBHOOK_DUE));
    for (Duration wait : WEBHOOK_WAITS) {
      queues.add(new Queue(webhookLater(wait), later(wait)));
      bindings.add(queue(FLOW, webhookLater(wait), webhookLaterKey(wait)));
    }
    for (String key : List.of("task.#", "call.#", "worker.#", "ledger.#")) {
      bindings.add(queue(FLOW, LEDGER, key));
    }
    bindings.add(queue(FLOW, DEAD_LETTERS, "task.set_aside"));
    bindings.add(queue(DEAD_LETTERS, DEAD_LETTERS, ""));
    bindings.add(queue(DEAD_LETTERS, LEDGER, ""));
    bindings.add(new Binding(DEAD_LETTERS, EVENTS, "", true));
    for (String key : List.of("task.#", "call.#", "tier.#", "worker.#")) {
      bindings.add(new Binding(FLOW, EVENTS, key, true));
    }
    return new Topology(
        List.of(
            new Exchange(UNKEYED, "fanout", Map.of()),
            // A producer's typing error in a routing key must not lose its task.
            new Exchange(TASKS, "direct", Map.of("alternate-exchange", UNKEYED)),
            new Exchange(FLOW, "topic", Map.of()),
            new Exchange(EVENTS, "topic", Map.of()),
            new Exchange(DEAD_LETTERS, "fanout", Map.of())),
        List.copyOf(queues),
        List.copyOf(bindings));
  }

  /// Key of a classification's end, which goes back to the routers.
  public static final String CALL_CLASSIFIED = "call.ended.classified";

  /// Key of a classification that cannot be made, which goes back to the routers as well.
  public static final String CALL_DECLINED = "call.declined";

  /// Keys of all that is said about tiers.
  public static final String ANY_TIER = "tier.#";

  /// Key of a message that a part of the fleet sets aside, as it came. What the broker gives up has
  /// its own key.
  public static final String MESSAGE_SET_ASIDE = "message.set_aside";

  /// Key of a webhook to be called now.
  public static final String WEBHOOK_DUE = "webhook.due";

  /// How long a webhook waits after a failure, the latest one for each further one. A queue for
  /// each: messages leave a queue in the order in which they came.
  public static final List<Duration> WEBHOOK_WAITS =
      List.of(
          Duration.ofSeconds(5),
          Duration.ofMinutes(1),
          Duration.ofMinutes(10),
          Duration.ofHours(1),
          Duration.ofHours(6));

  /// Key of a change of a key to the gateways.
  public static final String KEY_SET = "key.set";

  /// Key of a call's end after which the same worker tries again.
  public static final String CALL_RETRIED = "call.ended.retried";

  /// Key of the note that a dead letter needs nobody any more.
  public static final String TASK_DISCARDED = "task.discarded";

  /// Key of questions to the ledger.
  public static final String ASK_LEDGER = "ledger.ask";

  public static String inbox(Priority priority) {
    return "symbiont.inbox." + priority.wire();
  }

  public static String tier(String tier, Priority priority) {
    return "symbiont.tier." + tier + "." + priority.wire();
  }

  public static String parked(String tier) {
    return "symbiont.tier." + tier + ".parked";
  }

  public static String acceptedKey(Priority priority) {
    return "task.accepted." + priority.wire();
  }

  public static String routedKey(String tier, Priority priority) {
    return "task.routed." + tier + "." + priority.wire();
  }

  public static String classifyKey(String tier, Priority priority) {
    return "call.requested." + tier + "." + priority.wire();
  }

  public static String parkedKey(String tier) {
    return "task.parked." + tier;
  }

  /// Key of a change of a tier's state.
  public static String changedKey(TierState state) {
    return "tier.%s.%s".formatted(state.phase().wire(), state.tier());
  }

  /// Key of a tier's state that has not changed.
  public static String repeatedKey(TierState state) {
    return "tier.state." + state.tier();
  }

  public static String webhookLater(Duration wait) {
    return "%s.later.%d".formatted(WEBHOOKS, wait.toSeconds());
  }

  public static String webhookLaterKey(Duration wait) {
    return "webhook.later." + wait.toSeconds();
  }

  /// Key of the pieces of a task's answer while it comes.
  public static String textKey(String taskId) {
    return "text." + taskId;
  }

  /// Whether answers may be sent there.
  public static boolean isReplyKey(String key) {
    return key.startsWith(REPLY);
  }

  /// Key that brings a message to the exclusive queue of one gateway or dispatcher.
  public static String replyKey(String worker) {
    return REPLY + worker;
  }

  /// Whether a queue name belongs to the fleet, so that no producer may have its results sent
  /// there.
  public static boolean isReserved(String queue) {
    return queue.startsWith(RESERVED);
  }

  private static Binding queue(String source, String destination, String key) {
    return new Binding(source, destination, key, false);
  }

  private static Map<String, Object> work() {
    var arguments = new LinkedHashMap<String, Object>();
    arguments.put("x-queue-type", "quorum");
    arguments.put("x-delivery-limit", DELIVERY_LIMIT);
    arguments.put("x-dead-letter-exchange", DEAD_LETTERS);
    arguments.put("x-dead-letter-strategy", "at-least-once");
    arguments.put("x-overflow", "reject-publish");
    return arguments;
  }

  private static Map<String, Object> endless() {
    return Map.of("x-queue-type", "quorum", "x-delivery-limit", ENDLESS_DELIVERY_LIMIT);
  }

  /// What has waited long enough goes to the webhooks that are due.
  private static Map<String, Object> later(Duration wait) {
    var arguments = new LinkedHashMap<String, Object>(endless());
    arguments.put("x-message-ttl", Math.toIntExact(wait.toMillis()));
    arguments.put("x-dead-letter-exchange", "");
    arguments.put("x-dead-letter-routing-key", WEBHOOKS);
    arguments.put("x-dead-letter-strategy", "at-least-once");
    arguments.put("x-overflow", "reject-publish");
    return arguments;
  }

  private static Map<String, Object> ledger() {
    return Map.of(
        "x-queue-type",
        "quorum",
        "x-delivery-limit",
        ENDLESS_DELIVERY_LIMIT,
        "x-single-active-consumer",
        true);
  }
}
