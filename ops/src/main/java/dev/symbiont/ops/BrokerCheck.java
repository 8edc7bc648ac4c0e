package dev.symbiont.ops;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ShutdownSignalException;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.Broker;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a client of the broker sees of it and of the fleet: version, alarms, topology, and who
/// consumes. Changes nothing.
final class BrokerCheck {

  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");
  private static final int[] OLDEST = {3, 10};
  private static final Duration CONFIRM = Duration.ofSeconds(2);
  private static final int CLOSE_MILLIS = 500;

  private final URI address;
  private final List<String> tiers;
  private final Findings findings;

  /// Of each queue that is there.
  private final Map<String, Integer> consumers = new HashMap<>();

  /// @param tiers as configured; none if nobody knows
  BrokerCheck(URI address, List<String> tiers, Findings findings) {
    this.address = address;
    this.tiers = tiers;
    this.findings = findings;
  }

  void make() {
    String problem = Broker.problemWith(address);
    if (problem != null) {
      findings.fail("broker", problem);
      return;
    }
    try {
      Connection connection = Broker.client(address).newConnection("symbiont doctor");
      try {
        version(connection);
        topology(connection);
        alarms(connection);
      } finally {
        // One under an alarm is not read from any more, so it would not hear a polite good-bye.
        connection.abort(CLOSE_MILLIS);
      }
    } catch (IOException | TimeoutException | ShutdownSignalException e) {
      findings.fail("broker", "it does not go on answering (%s); see its log".formatted(e));
      return;
    }
    if (!consumers.isEmpty()) {
      roles();
    }
  }

  private void version(Connection connection) {
    String version = String.valueOf(connection.getServerProperties().get("version"));
    String what = "%s, RabbitMQ %s".formatted(Broker.shown(address), version);
    Matcher parts = VERSION.matcher(version);
    if (parts.matches() && isOld(parts)) {
      findings.warn(
          "broker",
          "%s is older than what this is tested on; use %d.%d or newer"
              .formatted(what, OLDEST[0], OLDEST[1]));
    } else {
      findings.ok("broker", what);
    }
  }

  private static boolean isOld(Matcher version) {
    int major = Integer.parseInt(version.group(1));
    return major < OLDEST[0]
        || (major == OLDEST[0] && Integer.parseInt(version.group(2)) < OLDEST[1]);
  }

  /// Whoever publishes under an alarm is read from no more, after the first message: it shows by
  /// the second, to a queue that we alone have.
  private void alarms(Connection connection) throws IOException {
    var reason = new CompletableFuture<String>();
    connection.addBlockedListener(reason::complete, () -> {});
    Channel channel = connection.createChannel();
    try {
      channel.confirmSelect();
      String queue = channel.queueDeclare().getQueue();
      for (int i = 0; i < 2; i++) {
        channel.basicPublish("", queue, null, new byte[0]);
        channel.waitForConfirms(CONFIRM.toMillis());
      }
      findings.ok("alarms", "the broker takes messages");
    } catch (TimeoutException e) {
      findings.fail(
          "alarms",
          "the broker takes no messages (%s); give it memory or disk, rabbitmqctl status says which"
              .formatted(reason.getNow("it does not say why")));
    } catch (IOException | ShutdownSignalException e) {
      findings.unknown("alarms", "this user may not publish to a queue of its own");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void topology(Connection connection) throws IOException, TimeoutException {
    List<String> queues = Topology.of(tiers).queues().stream().map(Topology.Queue::name).toList();
    var missing = new ArrayList<String>();
    for (String queue : queues) {
      try (Channel channel = connection.createChannel()) {
        consumers.put(queue, channel.queueDeclarePassive(queue).getConsumerCount());
      } catch (IOException e) {
        if (!isMissing(e)) {
          findings.unknown("topology", "this user may not look at the fleet's queues");
          return;
        }
        missing.add(queue);
      }
    }
    if (missing.isEmpty()) {
      findings.ok("topology", "all %d queues are there".formatted(queues.size()));
    } else if (missing.size() == queues.size()) {
      findings.fail(
          "topology",
          "no queue of a fleet is there; start one with ./symbiont up, or the roles with ./symbiont start");
    } else {
      findings.fail(
          "topology",
          "missing: %s; a role makes them when it connects, or import what ./symbiont definitions writes"
              .formatted(String.join(", ", missing)));
    }
  }

  private static boolean isMissing(IOException e) {
    return e.getCause() instanceof ShutdownSignalException shutdown
        && shutdown.getReason() instanceof AMQP.Channel.Close close
        && close.getReplyCode() == AMQP.NOT_FOUND;
  }

  private void roles() {
    role("ledger-writer", Topology.LEDGER, "nobody writes the ledger or grants calls", "ledger");
    role("router", Topology.inbox(Priority.NORMAL), "no router takes tasks", "router");
    for (String tier : tiers) {
      role(
          "tier " + tier,
          Topology.tier(tier, Priority.NORMAL),
          "no dispatcher takes calls for it",
          "dispatcher");
    }
  }

  private void role(String check, String queue, String problem, String role) {
    int count = consumers.getOrDefault(queue, 0);
    if (count > 0) {
      findings.ok(check, count == 1 ? "1 worker" : count + " workers");
    } else {
      findings.fail(check, "%s; start one with ./symbiont start %s".formatted(problem, role));
    }
  }
}
