package dev.symbiont.hop;

import static dev.symbiont.hop.Fleet.parcel;
import static dev.symbiont.hop.Fleet.soon;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.symbiont.contract.Priority;
import dev.symbiont.contract.topology.Topology;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// With a node of its own, which is killed and comes back.
class BrokerRestartIT {

  private static final String INBOX = Topology.inbox(Priority.NORMAL);
  private static final Path NODE =
      Path.of(System.getProperty("symbiont.root", ".")).resolve("ops/broker/node");

  @TempDir Path folder;
  private URI address = URI.create("amqp://not.yet");

  @BeforeEach
  void start() throws Exception {
    assumeTrue(
        !System.getProperty("symbiont.test.broker", "private").equals("container"),
        "only a node of its own can be killed");
    address = URI.create(node("start"));
  }

  @AfterEach
  void stop() throws Exception {
    node("stop");
  }

  @Test
  void everythingGoesOnWithinTenSecondsOfTheBrokersReturn() throws Exception {
    Set<String> read = ConcurrentHashMap.newKeySet();
    try (Fleet fleet = Fleet.on(address);
        Intake intake =
            new Intake(
                fleet.broker,
                fleet.hop,
                List.of(INBOX),
                10,
                it -> {
                  read.add(it.properties().getMessageId());
                  fleet.hop.done(it);
                })) {
      intake.start();
      soon(fleet.hop.deliver(List.of(parcel("before"))));
      Awaitility.await().until(() -> read.size() == 1);

      var inFlight = new ArrayList<CompletableFuture<Void>>();
      for (int i = 0; i < 50; i++) {
        inFlight.add(fleet.hop.deliver(List.of(parcel("during-" + i))));
      }
      node("kill");
      inFlight.add(fleet.hop.deliver(List.of(parcel("after"))));
      assertThat(URI.create(node("start"))).isEqualTo(address);

      Awaitility.await("all is told and consumed")
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(read).hasSize(52));
      inFlight.forEach(Fleet::soon);
    }
  }

  @Test
  void aBrokerThatDiesDuringAnAlarmIsPublishedToAgain() throws Exception {
    try (Fleet fleet = Fleet.on(address)) {
      soon(fleet.publisher.publish(parcel("before")));
      control("set_disk_free_limit", "1000000000000000");
      Awaitility.await("the broker blocks publishers")
          .atMost(Duration.ofSeconds(30))
          .until(() -> isBlocked(fleet));

      node("kill");
      node("start");

      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .ignoreExceptions()
          .until(
              () -> {
                soon(fleet.publisher.publish(parcel("after")));
                return true;
              });
    }
  }

  @Test
  void anAlarmIsSaidAtOnceAndPassesWithItsCause() throws Exception {
    try (Fleet fleet = Fleet.on(address)) {
      soon(fleet.publisher.publish(parcel("before")));
      control("set_disk_free_limit", "1000000000000000");
      Awaitility.await("the broker blocks publishers")
          .atMost(Duration.ofSeconds(30))
          .until(() -> isBlocked(fleet));
      CompletableFuture<Void> delivered = fleet.hop.deliver(List.of(parcel("during")));

      control("set_disk_free_limit", "1000");

      soon(delivered);
    }
  }

  /// The broker says so after the first publish that it does not take.
  private static boolean isBlocked(Fleet fleet) {
    CompletableFuture<Void> tried = fleet.publisher.publish(parcel("tried"));
    return tried.isCompletedExceptionally()
        && tried.exceptionNow() instanceof PublishException e
        && e.problem() == PublishException.Problem.BLOCKED;
  }

  private String node(String command) throws Exception {
    var process =
        new ProcessBuilder(NODE.toString(), command, folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    return outputOf(process);
  }

  private void control(String... command) throws Exception {
    var line = new ArrayList<>(List.of(NODE.toString(), "ctl", folder.toString()));
    line.addAll(List.of(command));
    outputOf(new ProcessBuilder(line).redirectErrorStream(true));
  }

  private static String outputOf(ProcessBuilder builder) throws IOException, InterruptedException {
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as("%s: %s", builder.command(), out).isZero();
    return out.strip();
  }
}
