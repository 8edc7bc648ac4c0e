package dev.symbiont.ops.conformance;

import dev.symbiont.ops.SetupException;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

/// One run of rules against a fleet. All begin at once; when each has what it waited for, or has
/// given up, a last look shows whether something came that must not come.
///
/// @param patience how long each thing is waited for
/// @param tier that most tasks force
record Examination(URI broker, Duration patience, String tier) {

  /// What must not come would come soon after what has come.
  private static final int LAST_LOOK_AFTER = 30;

  List<Verdict> of(List<Rule> rules) throws InterruptedException {
    String run = HexFormat.of().toHexDigits(RandomGenerator.getDefault().nextLong());
    try (var producer = Producer.connect(broker, new Evidence(run), patience)) {
      var around =
          new Trial.Surroundings(producer, run, tier, new AtomicInteger(), new HashMap<>());
      List<Trial> trials = rules.stream().map(rule -> new Trial(rule, around)).toList();
      begin(trials);
      TimeUnit.NANOSECONDS.sleep(patience.dividedBy(LAST_LOOK_AFTER).toNanos());
      List<Verdict> verdicts =
          trials.stream().map(trial -> new Verdict(trial.rule(), trial.end())).toList();
      if (!producer.isConnected()) {
        throw new SetupException("the broker ended the connection before every rule was tried");
      }
      return verdicts;
    }
  }

  private static void begin(List<Trial> trials) throws InterruptedException {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> begun =
          trials.stream()
              .<Future<?>>map(
                  trial ->
                      threads.submit(
                          () -> {
                            trial.begin();
                            return trial;
                          }))
              .toList();
      for (Future<?> each : begun) {
        each.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SetupException setup) {
        throw setup;
      }
      throw new IllegalStateException(e.getCause());
    }
  }
}
