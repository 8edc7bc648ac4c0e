package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.topology.Topology;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The rate is the fleet's, whoever comes, goes, stands still or dies. `-Dsymbiont.test.rates=6`
/// makes every period six times as long: 60 calls a minute, and 5 a minute for 10 workers.
class RatesIT {

  private static final int STRETCH = Integer.getInteger("symbiont.test.rates", 1);
  private static final Duration PERIOD = Duration.ofSeconds(10L * STRETCH);
  private static final int CALLS = 10 * STRETCH;
  private static final int FEW = STRETCH == 1 ? 2 : 5;
  private static final int MANY = STRETCH == 1 ? 5 : 10;

  @TempDir private Path folder;
  private TierFleet fleet;

  /// Gets a copy of every request for a grant.
  private String asked;

  @BeforeEach
  void prepare() throws IOException {
    fleet =
        new TierFleet(
            folder,
            """
            {"tiers": [
              {"name": "haiku", "concurrency": 4, "timeout": "60s", "rate": {"calls": %d, "period": "%s"}},
              {"name": "sonnet", "concurrency": 1, "timeout": "60s", "rate": {"calls": %d, "period": "%s"}},
              {"name": "opus", "concurrency": 1, "timeout": "60s"}]}
            """
                .formatted(CALLS, PERIOD, FEW, PERIOD),
            Map.of("SYMBIONT_SIMULATED_SECONDS", "0.2"));
    asked = fleet.processes.broker.replyQueue();
  }

  @AfterEach
  void stop() throws IOException {
    fleet.close();
  }

  @Test
  void neverAboveTheRateAndNearlyAllOfItWhileWorkersComeGoAndStandStill() throws Exception {
    fleet.start(1);
    watchRequests();
    fleet.submit(20 * CALLS, "task", "hello", "haiku");
    awaitCalls(CALLS);
    List<SymbiontProcess> more =
        List.of(fleet.startDispatcher(), fleet.startDispatcher(), fleet.startDispatcher());
    awaitCalls(2 * CALLS);
    more.get(0).kill();
    more.get(1).signal("STOP");
    awaitCalls(4 * CALLS);
    more.get(1).signal("CONT");
    awaitCalls(6 * CALLS);

    assertRate(CALLS, 6 * CALLS, 3);
  }

  @Test
  void aTinyRateIsKeptByManyWorkers() throws Exception {
    fleet.start(MANY);
    watchRequests();
    fleet.submit(10 * FEW, "task", "hello", "sonnet");

    awaitCalls(5 * FEW);

    // Each worker comes once for each call, and all but one in vain.
    assertRate(FEW, 5 * FEW, MANY);
  }

  private void watchRequests() throws IOException {
    var _ = fleet.processes.broker.channel().queueBind(asked, Topology.FLOW, Topology.ASK_LEDGER);
  }

  private void awaitCalls(int count) {
    await(count + " calls")
        .atMost(PERIOD.multipliedBy(8).plusSeconds(60))
        .pollInterval(Duration.ofMillis(200))
        .until(() -> fleet.truth.begun().size() >= count);
  }

  /// As the program itself saw it: in no stretch of a period's length more calls than the rate, and
  /// over all at least nine tenths of it.
  private void assertRate(int calls, int count, int mostRequests) {
    List<Instant> began = fleet.callsBegan();
    for (int i = calls; i < began.size(); i++) {
      assertThat(Duration.between(began.get(i - calls), began.get(i)))
          .as("calls %d to %d of %s", i - calls, i, began)
          .isGreaterThanOrEqualTo(PERIOD);
    }
    // After the first period, whose calls may all begin at once.
    var took = Duration.between(began.get(calls), began.get(count - 1));
    double periods = (double) took.toMillis() / PERIOD.toMillis();
    assertThat((count - 1 - calls) / periods)
        .as("calls in a period, of %s", began)
        .isGreaterThan(0.9 * calls);
    double requests = (double) fleet.processes.broker.depth(asked) / began.size();
    System.out.printf("%.2f requests for each call%n", requests);
    assertThat(requests).as("requests for each call").isLessThan(mostRequests);
  }
}
