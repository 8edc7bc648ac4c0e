package dev.symbiont.ops;

import dev.symbiont.contract.Priority;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.topology.Topology;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What one part of the fleet, or a program beside it, has to do on the broker; nothing else is
/// allowed to its user. In all names and keys `*` stands for anything.
///
/// The broker knows three rights to a name, whatever it names: to configure it, to write to it (to
/// publish to an exchange, to bind a queue) and to read from it (to consume a queue, or purge it;
/// to bind something to an exchange). Nobody may configure what the definitions declare.
///
/// @param role whose user it is
/// @param consumes queues
/// @param publishes exchanges
/// @param says with which routing keys to the flow exchange
/// @param hears by exchange, the routing keys that it may bind a queue of its own to
record BrokerRights(
    String role,
    List<String> consumes,
    List<String> publishes,
    List<String> says,
    Map<String, List<String>> hears) {

  /// Those that the broker has named. While they are exclusive, no other connection gets at them.
  static final String OWN_QUEUES = "amq.gen-*";

  /// Results go to the queues of producers, whatever their names, so only through this one.
  private static final String DEFAULT_EXCHANGE = "amq.default";

  private static final String TO_GATEWAYS = Topology.replyKey("gateway-*");
  private static final String ANY_TEXT = Topology.textKey("*");
  private static final String TO_OPERATORS = Topology.replyKey("operator-*");
  private static final String TO_DISPATCHERS = Topology.replyKey("dispatcher-*");

  /// The whole table.
  static List<BrokerRights> of(List<String> tiers) {
    List<String> accepted = each(Topology::acceptedKey);
    List<String> asked = each(tiers, Topology::classifyKey);
    List<String> routed = each(tiers, Topology::routedKey);
    List<String> parked = tiers.stream().map(Topology::parkedKey).toList();
    List<String> ended =
        Arrays.stream(TaskState.values())
            .filter(TaskState::isEnd)
            .map(it -> "task." + it.wire())
            .toList();
    List<String> alive =
        Arrays.stream(WorkerBeat.Phase.values()).map(it -> "worker." + it.wire()).toList();
    List<String> tierStates =
        Stream.concat(
                Arrays.stream(TierState.Phase.values()).map(TierState.Phase::wire),
                Stream.of("state"))
            .flatMap(phase -> tiers.stream().map(tier -> "tier.%s.%s".formatted(phase, tier)))
            .toList();
    return List.of(
        new BrokerRights(
            "gateway",
            List.of(OWN_QUEUES, Topology.WEBHOOKS),
            List.of(Topology.FLOW, Topology.DEAD_LETTERS),
            all(
                accepted,
                List.of(Topology.ASK_LEDGER),
                Topology.WEBHOOK_WAITS.stream().map(Topology::webhookLaterKey).toList(),
                alive),
            Map.of(Topology.FLOW, List.of(TO_GATEWAYS, Topology.KEY_SET, ANY_TEXT))),
        new BrokerRights(
            "router",
            all(each(Topology::inbox), List.of(Topology.CLASSIFIED)),
            List.of(Topology.FLOW, Topology.DEAD_LETTERS),
            all(routed, asked, alive),
            Map.of()),
        new BrokerRights(
            "dispatcher",
            all(List.of(OWN_QUEUES), each(tiers, Topology::tier)),
            List.of(Topology.FLOW, Topology.DEAD_LETTERS, DEFAULT_EXCHANGE),
            all(
                ended,
                routed,
                parked,
                List.of(
                    Topology.CALL_CLASSIFIED,
                    Topology.CALL_DECLINED,
                    Topology.CALL_RETRIED,
                    Topology.ASK_LEDGER,
                    ANY_TEXT,
                    // The header CC of an end; the broker looks at it from RabbitMQ 4 on.
                    TO_GATEWAYS),
                alive),
            Map.of(Topology.FLOW, List.of(TO_DISPATCHERS, Topology.ANY_TIER))),
        new BrokerRights(
            "ledger",
            all(
                List.of(Topology.LEDGER, Topology.DEAD_LETTERS),
                tiers.stream().map(Topology::parked).toList()),
            List.of(Topology.FLOW, Topology.DEAD_LETTERS, Topology.TASKS, DEFAULT_EXCHANGE),
            all(
                accepted,
                asked,
                routed,
                ended,
                tierStates,
                List.of(
                    Topology.CALL_CLASSIFIED,
                    Topology.TASK_DISCARDED,
                    Topology.WEBHOOK_DUE,
                    Topology.KEY_SET,
                    TO_GATEWAYS,
                    TO_DISPATCHERS,
                    TO_OPERATORS),
                alive),
            Map.of()),
        new BrokerRights(
            "operator",
            List.of(OWN_QUEUES),
            List.of(Topology.FLOW),
            List.of(Topology.ASK_LEDGER),
            Map.of(Topology.FLOW, List.of(TO_OPERATORS))),
        new BrokerRights(
            "producer", List.of(OWN_QUEUES), List.of(Topology.TASKS), List.of(), Map.of()),
        new BrokerRights(
            "watcher",
            List.of(OWN_QUEUES),
            List.of(),
            List.of(),
            Map.of(Topology.EVENTS, List.of("*"))));
  }

  String user() {
    return "symbiont-" + role;
  }

  String configure() {
    return pattern(consumes.contains(OWN_QUEUES) ? List.of(OWN_QUEUES) : List.of());
  }

  String write() {
    return pattern(hears.isEmpty() ? publishes : all(publishes, List.of(OWN_QUEUES)));
  }

  String read() {
    return pattern(all(consumes, hears.keySet()));
  }

  /// The routing keys that it may publish with to a topic exchange.
  String writeTopics(String exchange) {
    return pattern(exchange.equals(Topology.FLOW) ? says : List.of());
  }

  /// The routing keys that it may bind to at a topic exchange.
  String readTopics(String exchange) {
    return pattern(hears.getOrDefault(exchange, List.of()));
  }

  /// A regular expression as the broker wants it.
  private static String pattern(List<String> names) {
    return names.isEmpty()
        ? "^$"
        : names.stream()
            .map(it -> it.replace(".", "\\.").replace("*", ".*"))
            .collect(Collectors.joining("|", "^(", ")$"));
  }

  private static List<String> each(Function<Priority, String> name) {
    return Arrays.stream(Priority.values()).map(name).toList();
  }

  private static List<String> each(List<String> tiers, BiFunction<String, Priority, String> name) {
    return tiers.stream().flatMap(tier -> each(it -> name.apply(tier, it)).stream()).toList();
  }

  @SafeVarargs
  private static List<String> all(Collection<String>... some) {
    var all = new ArrayList<String>();
    for (Collection<String> each : some) {
      all.addAll(each);
    }
    return all;
  }
}
