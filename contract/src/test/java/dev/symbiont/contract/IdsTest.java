package dev.symbiont.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.HashSet;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IdsTest {

  private static final Instant NOW = Instant.ofEpochSecond(1711123456);

  @Test
  void aDrawnIdHasThePrefixTheSecondAndSixteenDigits() {
    assertThat(Ids.draw("queued", NOW, new Random(1))).matches("queued-1711123456-[0-9a-f]{16}");
  }

  @Test
  void drawnIdsDifferWithinOneSecond() {
    var random = new Random(1);
    var ids = new HashSet<String>();
    for (int i = 0; i < 10_000; i++) {
      ids.add(Ids.draw("task", NOW, random));
    }

    assertThat(ids).hasSize(10_000);
  }

  @Test
  void aDrawnIdIsOneThatATaskMayHave() {
    var id = Ids.draw("task", NOW, new Random(1));

    assertThat(Task.of("x").withId(id).id()).isEqualTo(id);
  }

  @Test
  void anIdIsTheSameInEveryLocale() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG"));
    try {
      assertThat(Ids.draw("task", NOW, new Random(1))).startsWith("task-1711123456-");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void theSameKeyOfTheSameCallerIsTheSameId() {
    assertThat(Ids.ofKey("task", "http", "order-7"))
        .isEqualTo(Ids.ofKey("task", "http", "order-7"));
  }

  /// Written down, because a later version that derives another id would do a task twice.
  @Test
  void anIdOfAKeyNeverChanges() {
    assertThat(Ids.ofKey("task", "http", "order-7"))
        .isEqualTo("task-ed1ad546f1319be63fee27dcb4589c7d");
  }

  @Test
  void callersAndPrefixesHaveKeysOfTheirOwn() {
    var ids = new HashSet<String>();
    ids.add(Ids.ofKey("task", "http", "k"));
    ids.add(Ids.ofKey("task", "amqp", "k"));
    ids.add(Ids.ofKey("queued", "http", "k"));
    ids.add(Ids.ofKey("task", "http", "K"));
    ids.add(Ids.ofKey("task", "http", ""));

    assertThat(ids).hasSize(5);
  }

  @Test
  void aKeyMayHoldAnything() {
    var id = Ids.ofKey("task", "http", "any \n text \u2028 \ud83d\ude80 " + "x".repeat(10_000));

    assertThat(Task.of("x").withId(id).id()).isEqualTo(id);
  }

  @Test
  void eventIdsAreDerivedFromTaskStepAndNumber() {
    var task = new AcceptedTask(Task.of("x").withId("t"), NOW, Reply.NONE, false);

    assertThat(task.eventId()).isEqualTo("t/accepted");
    assertThat(CallEnded.eventId("t/call.1")).isEqualTo("t/call.1/ended");
  }
}
