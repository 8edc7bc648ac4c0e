package dev.symbiont.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.symbiont.ledger.writer.LedgerFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StandbyTest {

  @TempDir Path folder;
  private final List<String> happened = new CopyOnWriteArrayList<>();

  @Test
  void theSecondWaitsUntilTheFirstIsStopped() {
    Standby first = standby("first");
    Standby second = standby("second");

    first.start();
    second.start();
    Awaitility.await()
        .during(Duration.ofMillis(700))
        .atMost(Duration.ofSeconds(5))
        .until(() -> happened.equals(List.of("first begins")));
    first.stop();

    Awaitility.await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(
            () ->
                assertThat(happened)
                    .containsExactly("first begins", "first ends", "second begins"));
    second.stop();
    assertThat(happened).endsWith("second ends");
  }

  @Test
  void oneThatIsStoppedWhileItWaitsNeverBegins() {
    Standby first = standby("first");
    Standby second = standby("second");
    first.start();
    second.start();

    second.stop();
    first.stop();

    Awaitility.await()
        .during(Duration.ofMillis(700))
        .atMost(Duration.ofSeconds(5))
        .until(() -> happened.equals(List.of("first begins", "first ends")));
  }

  @Test
  void stoppingTwiceIsSafe() {
    Standby only = standby("only");
    only.start();

    only.stop();
    only.stop();

    assertThat(only.isRunning()).isFalse();
    assertThat(happened).containsExactly("only begins", "only ends");
  }

  @Test
  void damageStopsTheStart() {
    var broken = new Standby(new LedgerFiles(folder), StandbyTest::fail);

    assertThatThrownBy(broken::start)
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(folder.toString());
    broken.stop();
  }

  @Test
  void oneThatCannotTakeOverLeavesTheFolderToTheNext() {
    Standby first = standby("first");
    var broken = new Standby(new LedgerFiles(folder), StandbyTest::fail);
    Standby third = standby("third");
    first.start();
    broken.start();
    first.stop();
    Awaitility.await()
        .during(Duration.ofMillis(1_200))
        .atMost(Duration.ofSeconds(5))
        .until(() -> happened.size() == 2);

    third.start();

    Awaitility.await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(happened).contains("third begins"));
  }

  private Standby standby(String name) {
    return new Standby(
        new LedgerFiles(folder),
        () -> {
          happened.add(name + " begins");
          return new AtWorkAs(name);
        });
  }

  private final class AtWorkAs implements Standby.Writing {
    private final String name;

    AtWorkAs(String name) {
      this.name = name;
    }

    @Override
    public Optional<String> problem() {
      return Optional.empty();
    }

    @Override
    public void close() {
      happened.add(name + " ends");
    }
  }

  private static Standby.Writing fail() throws IOException {
    throw new IOException("damaged");
  }
}
