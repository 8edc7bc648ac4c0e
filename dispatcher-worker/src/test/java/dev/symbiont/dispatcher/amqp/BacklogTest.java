package dev.symbiont.dispatcher.amqp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.Priority;
import dev.symbiont.dispatcher.amqp.Backlog.Held;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// In which order a worker begins what it holds.
class BacklogTest {

  private static final Duration LONG = Duration.ofHours(1);

  private final Backlog<String> backlog = new Backlog<>();

  @Test
  void urgentOnesComeFirstAndThoseOfOnePriorityInTheirOrder() throws Exception {
    backlog.add("low", Priority.LOW);
    backlog.add("normal 1", Priority.NORMAL);
    backlog.add("high", Priority.HIGH);
    backlog.add("normal 2", Priority.NORMAL);

    assertThat(take(4)).containsExactly("high", "normal 1", "normal 2", "low");
  }

  @Test
  void aStreamOfUrgentOnesStarvesNobody() throws Exception {
    backlog.add("low", Priority.LOW);
    var taken = new ArrayList<String>();

    for (int i = 0; i < 8; i++) {
      backlog.add("high " + i, Priority.HIGH);
      taken.add(backlog.take().what());
    }

    assertThat(taken).contains("low");
  }

  @Test
  void oneForWhichItIsTooEarlyIsPassedOver() throws Exception {
    backlog.add("early", Priority.HIGH);
    backlog.putBack(backlog.take(), LONG);
    backlog.add("other", Priority.LOW);

    assertThat(take(1)).containsExactly("other");
  }

  @Test
  void oneThatWasPutBackKeepsItsPlaceAndItsPriority() throws Exception {
    backlog.add("first", Priority.NORMAL);
    backlog.add("second", Priority.NORMAL);
    backlog.putBack(backlog.take(), Duration.ZERO);

    assertThat(take(2)).containsExactly("first", "second");
  }

  @Test
  void afterAWakeItIsTooEarlyForNone() throws Exception {
    backlog.add("early", Priority.NORMAL);
    backlog.putBack(backlog.take(), LONG);
    backlog.holdAll(LONG);

    backlog.wake();

    assertThat(take(1)).containsExactly("early");
  }

  @Test
  void whenItIsTooEarlyForAllOneIsLetThroughAtThatTimeAndTheOthersFollow() throws Exception {
    IntStream.range(0, 5).forEach(i -> backlog.add("task " + i, Priority.NORMAL));
    long start = System.nanoTime();
    backlog.holdAll(Duration.ofMillis(200));

    take(1);
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(200_000_000);
    take(1);
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(300_000_000);
    assertThat(take(3)).containsExactly("task 2", "task 3", "task 4");
  }

  @Test
  void takingWaitsUntilThereIsSomething() throws Exception {
    var waiting = new FutureTask<>(backlog::take);
    Thread.ofVirtual().start(waiting);

    backlog.add("task", Priority.NORMAL);

    assertThat(waiting.get()).extracting(Held::what).isEqualTo("task");
  }

  private List<String> take(int count) throws InterruptedException {
    var taken = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      taken.add(backlog.take().what());
    }
    return taken;
  }
}
