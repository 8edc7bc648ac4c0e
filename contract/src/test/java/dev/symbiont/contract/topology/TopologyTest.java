package dev.symbiont.contract.topology;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.Priority;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.topology.Topology.Binding;
import dev.symbiont.contract.topology.Topology.Exchange;
import dev.symbiont.contract.topology.Topology.Queue;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Names and arguments are pinned here: changing one of a queue that exists makes the broker refuse
/// every worker.
class TopologyTest {

  private static final Topology TOPOLOGY = Topology.of(List.of("haiku", "opus"));

  @Test
  void theExchangesAreThese() {
    assertThat(TOPOLOGY.exchanges())
        .containsExactlyInAnyOrder(
            new Exchange(
                "symbiont.tasks", "direct", Map.of("alternate-exchange", "symbiont.tasks.unkeyed")),
            new Exchange("symbiont.tasks.unkeyed", "fanout", Map.of()),
            new Exchange("symbiont.flow", "topic", Map.of()),
            new Exchange("symbiont.events", "topic", Map.of()),
            new Exchange("symbiont.dead-letters", "fanout", Map.of()));
  }

  @Test
  void anAlternateExchangeIsDeclaredBeforeTheOneThatNamesIt() {
    var names = TOPOLOGY.exchanges().stream().map(Exchange::name).toList();

    assertThat(names).containsSubsequence("symbiont.tasks.unkeyed", "symbiont.tasks");
  }

  @Test
  void theQueuesAreThese() {
    assertThat(TOPOLOGY.queues().stream().map(Queue::name))
        .containsExactlyInAnyOrder(
            "symbiont.inbox.low",
            "symbiont.inbox.normal",
            "symbiont.inbox.high",
            "symbiont.tier.haiku.low",
            "symbiont.tier.haiku.normal",
            "symbiont.tier.haiku.high",
            "symbiont.tier.haiku.parked",
            "symbiont.tier.opus.low",
            "symbiont.tier.opus.normal",
            "symbiont.tier.opus.high",
            "symbiont.tier.opus.parked",
            "symbiont.classified",
            "symbiont.ledger",
            "symbiont.webhooks",
            "symbiont.webhooks.later.5",
            "symbiont.webhooks.later.60",
            "symbiont.webhooks.later.600",
            "symbiont.webhooks.later.3600",
            "symbiont.webhooks.later.21600",
            "symbiont.dead-letters");
  }

  @Test
  void everyWorkQueueIsAQuorumQueueWithTheSameArguments() {
    var others = Set.of("symbiont.ledger", "symbiont.dead-letters");

    assertThat(TOPOLOGY.queues())
        .filteredOn(queue -> !others.contains(queue.name()))
        .filteredOn(queue -> !queue.name().startsWith("symbiont.webhooks"))
        .hasSize(12)
        .extracting(Queue::arguments)
        .containsOnly(
            Map.of(
                "x-queue-type",
                "quorum",
                "x-delivery-limit",
                100,
                "x-dead-letter-exchange",
                "symbiont.dead-letters",
                "x-dead-letter-strategy",
                "at-least-once",
                "x-overflow",
                "reject-publish"));
  }

  @Test
  void theLedgerHasOneConsumerAtATimeAndGivesNothingUp() {
    assertThat(argumentsOf("symbiont.ledger"))
        .isEqualTo(
            Map.of(
                "x-queue-type",
                "quorum",
                "x-delivery-limit",
                1_000_000,
                "x-single-active-consumer",
                true));
  }

  @Test
  void deadLettersGoNoFurther() {
    assertThat(argumentsOf("symbiont.dead-letters"))
        .isEqualTo(Map.of("x-queue-type", "quorum", "x-delivery-limit", 1_000_000));
  }

  @Test
  void aWebhookThatHasWaitedIsDue() {
    assertThat(argumentsOf("symbiont.webhooks")).isEqualTo(argumentsOf("symbiont.dead-letters"));
    assertThat(argumentsOf("symbiont.webhooks.later.60"))
        .isEqualTo(
            Map.of(
                "x-queue-type",
                "quorum",
                "x-delivery-limit",
                1_000_000,
                "x-message-ttl",
                60_000,
                "x-dead-letter-exchange",
                "",
                "x-dead-letter-routing-key",
                "symbiont.webhooks",
                "x-dead-letter-strategy",
                "at-least-once",
                "x-overflow",
                "reject-publish"));
    assertThat(queuesFor(Topology.FLOW, Topology.WEBHOOK_DUE)).containsExactly(Topology.WEBHOOKS);
    for (Duration wait : Topology.WEBHOOK_WAITS) {
      assertThat(queuesFor(Topology.FLOW, Topology.webhookLaterKey(wait)))
          .containsExactly(Topology.webhookLater(wait));
    }
  }

  @Test
  void noOtherQueueExpiresOrLimitsItsLength() {
    assertThat(TOPOLOGY.queues())
        .filteredOn(queue -> !queue.name().startsWith("symbiont.webhooks.later."))
        .flatExtracting(queue -> queue.arguments().keySet())
        .doesNotContain("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes");
  }

  @Test
  void everyStepReachesItsQueueAndTheLedger() {
    for (Priority priority : Priority.values()) {
      assertThat(queuesFor(Topology.FLOW, Topology.acceptedKey(priority)))
          .containsExactlyInAnyOrder(Topology.inbox(priority), Topology.LEDGER);
      for (String tier : List.of("haiku", "opus")) {
        assertThat(queuesFor(Topology.FLOW, Topology.routedKey(tier, priority)))
            .containsExactlyInAnyOrder(Topology.tier(tier, priority), Topology.LEDGER);
        assertThat(queuesFor(Topology.FLOW, Topology.classifyKey(tier, priority)))
            .containsExactlyInAnyOrder(Topology.tier(tier, priority), Topology.LEDGER);
      }
    }
    for (String tier : List.of("haiku", "opus")) {
      assertThat(queuesFor(Topology.FLOW, Topology.parkedKey(tier)))
          .containsExactlyInAnyOrder(Topology.parked(tier), Topology.LEDGER);
    }
    assertThat(queuesFor(Topology.FLOW, Topology.CALL_CLASSIFIED))
        .containsExactlyInAnyOrder(Topology.CLASSIFIED, Topology.LEDGER);
    assertThat(queuesFor(Topology.FLOW, Topology.CALL_DECLINED))
        .containsExactlyInAnyOrder(Topology.CLASSIFIED, Topology.LEDGER);
    assertThat(queuesFor(Topology.FLOW, Topology.CALL_RETRIED)).containsExactly(Topology.LEDGER);
    assertThat(queuesFor(Topology.FLOW, Topology.ASK_LEDGER)).containsExactly(Topology.LEDGER);
  }

  @Test
  void everyEndReachesTheLedgerAndATaskSetAsideTheDeadLettersToo() {
    for (String end : List.of("succeeded", "failed", "cancelled", "expired")) {
      assertThat(queuesFor(Topology.FLOW, "task." + end)).containsExactly(Topology.LEDGER);
    }
    assertThat(queuesFor(Topology.FLOW, "task.set_aside"))
        .containsExactlyInAnyOrder(Topology.LEDGER, Topology.DEAD_LETTERS);
  }

  @Test
  void whatIsSetAsideIsKeptAndRecorded() {
    assertThat(queuesFor(Topology.DEAD_LETTERS, ""))
        .containsExactlyInAnyOrder(Topology.DEAD_LETTERS, Topology.LEDGER);
  }

  @Test
  void aProducersKeyIsThePriority() {
    assertThat(queuesFor(Topology.TASKS, "low")).containsExactly("symbiont.inbox.low");
    assertThat(queuesFor(Topology.TASKS, "normal")).containsExactly("symbiont.inbox.normal");
    assertThat(queuesFor(Topology.TASKS, "high")).containsExactly("symbiont.inbox.high");
  }

  @Test
  void anyOtherKeyOfAProducerMeansNormal() {
    for (String key : List.of("", "hihg", "symbiont.tier.opus.high")) {
      assertThat(queuesFor(Topology.TASKS, key)).isEmpty();
    }
    assertThat(queuesFor("symbiont.tasks.unkeyed", "hihg"))
        .containsExactly("symbiont.inbox.normal");
  }

  @Test
  void nothingThatAProducerPublishesReachesAnotherQueueThanAnInbox() {
    assertThat(TOPOLOGY.bindings())
        .filteredOn(binding -> binding.source().startsWith(Topology.TASKS))
        .allMatch(binding -> binding.destination().startsWith("symbiont.inbox."));
  }

  @Test
  void watchersSeeStepsAndSignsOfLifeButNoQuestions() {
    for (String key : List.of("task.routed.opus.low", "call.ended.retried", "worker.stopped")) {
      assertThat(isWatched(key)).as(key).isTrue();
    }
    assertThat(isWatched("tier.limited.opus")).isTrue();
    assertThat(isWatched("tier.state.opus")).isTrue();
    assertThat(isWatched("task.parked.opus")).isTrue();
    assertThat(isWatched("call.declined")).isTrue();
    assertThat(isWatched(Topology.ASK_LEDGER)).isFalse();
    assertThat(isWatched(Topology.replyKey("gateway-1"))).isFalse();
  }

  @ParameterizedTest
  @EnumSource(TierState.Phase.class)
  void howATierStandsIsToldToWhoeverListensAndKeptInNoQueue(TierState.Phase phase) {
    var state = new TierState("opus", phase, Instant.EPOCH, null, null, null);

    assertThat(Topology.changedKey(state)).isEqualTo("tier." + phase.wire() + ".opus");
    assertThat(Topology.repeatedKey(state)).isEqualTo("tier.state.opus");
    for (String key : List.of(Topology.changedKey(state), Topology.repeatedKey(state))) {
      assertThat(matches(Topology.ANY_TIER, key)).isTrue();
      assertThat(isWatched(key)).isTrue();
      assertThat(queuesFor(Topology.FLOW, key)).isEmpty();
    }
  }

  @Test
  void keysOfTheFleetAreThese() {
    assertThat(Topology.parkedKey("opus")).isEqualTo("task.parked.opus");
    assertThat(Topology.CALL_DECLINED).isEqualTo("call.declined");
    assertThat(Topology.ANY_TIER).isEqualTo("tier.#");
  }

  @Test
  void aReplyGoesToNoSharedQueue() {
    assertThat(Topology.replyKey("gateway-1")).isEqualTo("reply.gateway-1");
    assertThat(queuesFor(Topology.FLOW, Topology.replyKey("gateway-1"))).isEmpty();
  }

  @Test
  void everyBindingJoinsThingsThatAreDeclared() {
    var exchanges = TOPOLOGY.exchanges().stream().map(Exchange::name).collect(Collectors.toSet());
    var queues = TOPOLOGY.queues().stream().map(Queue::name).collect(Collectors.toSet());

    assertThat(TOPOLOGY.bindings())
        .allMatch(it -> exchanges.contains(it.source()))
        .allMatch(it -> (it.toExchange() ? exchanges : queues).contains(it.destination()))
        .doesNotHaveDuplicates();
  }

  @Test
  void namesOfTheFleetAreReserved() {
    for (Queue queue : TOPOLOGY.queues()) {
      assertThat(Topology.isReserved(queue.name())).isTrue();
    }
    assertThat(Topology.isReserved("reports.answers")).isFalse();
    assertThat(Topology.isReserved("amq.gen-1")).isFalse();
  }

  private static Map<String, Object> argumentsOf(String queue) {
    return TOPOLOGY.queues().stream()
        .filter(it -> it.name().equals(queue))
        .findFirst()
        .orElseThrow()
        .arguments();
  }

  private static boolean isWatched(String key) {
    return TOPOLOGY.bindings().stream()
        .filter(Binding::toExchange)
        .filter(it -> it.destination().equals(Topology.EVENTS))
        .anyMatch(it -> matches(it.key(), key));
  }

  /// The queues that get a message published with this key, by the rules of the exchange's type.
  private static Set<String> queuesFor(String exchange, String key) {
    var type =
        TOPOLOGY.exchanges().stream()
            .filter(it -> it.name().equals(exchange))
            .findFirst()
            .orElseThrow()
            .type();
    var queues = new HashSet<String>();
    for (Binding binding : TOPOLOGY.bindings()) {
      boolean routes =
          switch (type) {
            case "fanout" -> true;
            case "direct" -> binding.key().equals(key);
            case "topic" -> matches(binding.key(), key);
            default -> throw new IllegalStateException(type);
          };
      if (binding.source().equals(exchange) && !binding.toExchange() && routes) {
        queues.add(binding.destination());
      }
    }
    return queues;
  }

  /// Patterns here end in `#` or hold no wildcard at all.
  private static boolean matches(String pattern, String key) {
    return pattern.endsWith(".#")
        ? (key + ".").startsWith(pattern.substring(0, pattern.length() - 1))
        : pattern.equals(key);
  }
}
