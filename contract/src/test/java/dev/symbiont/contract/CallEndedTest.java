package dev.symbiont.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallEndedTest {

  @Test
  void aPreviewIsTheFirstHundredCharacters() {
    assertThat(CallEnded.preview("x".repeat(100))).isEqualTo("x".repeat(100));
    assertThat(CallEnded.preview("x".repeat(101))).isEqualTo("x".repeat(100));
    assertThat(CallEnded.preview("")).isEmpty();
  }

  @Test
  void aPreviewNeverEndsInHalfACharacter() {
    String rocket = "\ud83d\ude80";

    assertThat(CallEnded.preview("x".repeat(99) + rocket)).isEqualTo("x".repeat(99));
    assertThat(CallEnded.preview("x".repeat(98) + rocket)).isEqualTo("x".repeat(98) + rocket);
    assertThat(CallEnded.preview(rocket.repeat(100))).isEqualTo(rocket.repeat(50));
  }

  @ParameterizedTest
  @ValueSource(ints = {'\n', '\r', '\t', 0, 0x1b, 0x7f, 0x85, 0x9b, 0x2028, 0x2029, 0x202e, 0xfeff})
  void whatCouldBreakALineOrATerminalBecomesASpace(int codePoint) {
    var prompt = "a" + Character.toString(codePoint) + "b";

    assertThat(CallEnded.preview(prompt)).isEqualTo("a b");
  }

  @Test
  void spaceAtTheEndsIsLeftOut() {
    assertThat(CallEnded.preview("\n\n  Summarize this \r\n")).isEqualTo("Summarize this");
  }

  @Test
  void lettersOfAnyScriptStay() {
    assertThat(CallEnded.preview("gréen 漢字 עברית")).isEqualTo("gréen 漢字 עברית");
  }

  @Test
  void onlyAnAnswerIsASuccess() {
    assertThat(call(new Outcome.Answered("", null, false)).succeeded()).isTrue();
    assertThat(call(new Outcome.Limited(null, "unknown", "")).succeeded()).isFalse();
    assertThat(call(new Outcome.Unknown("")).succeeded()).isFalse();
  }

  private static CallEnded call(Outcome outcome) {
    return new CallEnded(
        "t/call.1",
        "t",
        Purpose.TASK,
        "haiku",
        "haiku",
        1,
        "w",
        Instant.EPOCH,
        BigDecimal.ZERO,
        outcome,
        Usage.NONE,
        false,
        "",
        null,
        null);
  }
}
