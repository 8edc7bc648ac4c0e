package dev.symbiont.dispatcher.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.PartialText;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TellingTest {

  private final AtomicLong now = new AtomicLong();
  private final List<PartialText> told = new ArrayList<>();
  private final Telling telling =
      new Telling("task-1", "task-1/call.1", "haiku", told::add, now::get);

  @Test
  void tellsTheFirstPieceAtOnceAndOthersTogether() {
    telling.more("one ");
    telling.more("two ");
    telling.more("three ");
    now.addAndGet(Telling.NOT_MORE_OFTEN.toNanos());
    telling.more("four");

    assertThat(told)
        .containsExactly(
            new PartialText("task-1", "task-1/call.1", "haiku", 0, "one "),
            new PartialText("task-1", "task-1/call.1", "haiku", 4, "two three four"));
  }

  @Test
  void neverTellsHalfACharacter() {
    telling.more("rocket \ud83d");
    now.addAndGet(Telling.NOT_MORE_OFTEN.toNanos());
    telling.more("\ude80");

    assertThat(told).extracting(PartialText::text).containsExactly("rocket ", "\ud83d\ude80");
    assertThat(told).extracting(PartialText::at).containsExactly(0, 7);
  }

  @Test
  void tellsNothingOfNothing() {
    telling.more("");

    assertThat(told).isEmpty();
  }
}
