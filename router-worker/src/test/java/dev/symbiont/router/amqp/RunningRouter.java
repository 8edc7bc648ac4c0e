package dev.symbiont.router.amqp;

import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Publisher;
import dev.symbiont.router.policy.Policy;
import dev.symbiont.router.policy.Rule;
import dev.symbiont.testing.TestBroker;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.awaitility.Awaitility;

/// A router on the test's broker, wired as in production, with a clock that stands still.
final class RunningRouter implements AutoCloseable {

  static final Instant NOW = Instant.parse("2026-03-19T14:32:10Z");

  private final Broker broker;
  private final Publisher publisher;
  private final RouterDesk desk;

  private RunningRouter(TestBroker testBroker, Rule... rules) {
    broker = new Broker(testBroker.address(), "router-test", Topology.of(TestBroker.TIERS));
    publisher = new Publisher(broker);
    var tiers = new Tiers(TestBroker.TIERS.stream().map(RunningRouter::tier).toList());
    var policy = new Policy(tiers, "sonnet", List.of(rules), 800);
    var routed = new Routed(tiers, new CompositeMeterRegistry());
    desk = new RouterDesk(broker, new Hop(publisher), policy, () -> NOW, new Random(1), routed);
  }

  static RunningRouter start(TestBroker broker, Rule... rules) {
    var router = connected(broker, rules);
    router.takeWork();
    return router;
  }

  /// Has declared everything, and takes no work yet.
  static RunningRouter connected(TestBroker broker, Rule... rules) {
    var router = new RunningRouter(broker, rules);
    router.broker.start();
    var inbox = List.of(Topology.inbox(Priority.NORMAL));
    Awaitility.await("the topology")
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> !router.broker.depths(inbox).isEmpty());
    return router;
  }

  void takeWork() {
    desk.start();
  }

  @Override
  public void close() {
    desk.close();
    publisher.close();
    broker.close();
  }

  private static Tier tier(String name) {
    return new Tier(
        name,
        "claude",
        name,
        "",
        new Tier.Rate(1, Duration.ofSeconds(10)),
        1,
        Duration.ofMinutes(1),
        Tier.Prices.FREE,
        BigDecimal.ZERO,
        List.of(),
        false,
        Tier.SlowDown.DEFAULT,
        Tier.OnUnknown.RETRY,
        Isolation.CONVERSATION,
        List.of());
  }
}
