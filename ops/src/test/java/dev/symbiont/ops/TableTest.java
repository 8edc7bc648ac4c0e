package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TableTest {

  private final Table table =
      new Table("ID", "STATE", ">COST", "PROMPT")
          .row("a", "succeeded", "$0.1", "short")
          .row("longer", "failed", "$10.0", "a prompt of some length");

  @Test
  void columnsAreAsWideAsWhatIsInThem() {
    assertThat(printed(Terminal.NONE))
        .isEqualTo(
            """
            ID      STATE       COST  PROMPT
            a       succeeded   $0.1  short
            longer  failed     $10.0  a prompt of some length
            """);
  }

  @Test
  void theLastColumnEndsWithTheTerminal() {
    assertThat(printed(Terminal.of("out", 36, Map.of("NO_COLOR", "1"))))
        .isEqualTo(
            """
            ID      STATE       COST  PROMPT
            a       succeeded   $0.1  short
            longer  failed     $10.0  a prompt …
            """);
  }

  @Test
  void widthIsCountedInColumnsOfTheTerminal() {
    table.row("会議", "failed", "$1.0", "会議は🎉 e\u0301t\u0301e\u0301");

    assertThat(printed(Terminal.of("out", 34, Map.of("NO_COLOR", "1"))))
        .isEqualTo(
            """
            ID      STATE       COST  PROMPT
            a       succeeded   $0.1  short
            longer  failed     $10.0  a promp…
            会議    failed      $1.0  会議は…
            """);
    assertThat(Columns.of("会議は🎉 e\u0301t\u0301e\u0301")).isEqualTo(12);
    assertThat(Columns.of("\u001b[31mred\u001b[0m")).isEqualTo(3);
    assertThat(Columns.cut("\u001b[31mreddish\u001b[0m", 4)).isEqualTo("\u001b[31mred…\u001b[0m");
    assertThat(Columns.cut("会議", 0)).isEmpty();
  }

  @Test
  void columnsThatMatterLessMakeRoom() {
    Terminal narrow = Terminal.of("out", 30, Map.of("NO_COLOR", "1"));

    assertThat(table.fitting(narrow, 10, "COST", "ID").lines(narrow))
        .containsExactly(
            "ID      STATE      PROMPT",
            "a       succeeded  short",
            "longer  failed     a prompt o…");
    assertThat(table.fitting(Terminal.NONE, 10, "COST").lines(Terminal.NONE).getFirst())
        .contains("COST");
  }

  @Test
  void statesHaveColoursOnATerminalOnly() {
    assertThat(printed(Terminal.of("in out", 0, Map.of())))
        .contains("\u001b[32msucceeded\u001b[0m")
        .contains("\u001b[31mfailed   \u001b[0m");
    assertThat(printed(Terminal.of("in err", 0, Map.of()))).doesNotContain("\u001b");
    assertThat(printed(Terminal.of("out", 0, Map.of("NO_COLOR", "1")))).doesNotContain("\u001b");
    assertThat(printed(Terminal.of("", 0, Map.of()))).doesNotContain("\u001b");
  }

  @Test
  void whatOthersWroteDoesNothingToATerminal() {
    assertThat(Shown.line("a\u001b[2J\nb\tc\u202e")).isEqualTo("a [2J b c");
    assertThat(Shown.lines("a\n\u001b[2Jb")).isEqualTo("a\n[2Jb");
    assertThat(Shown.line(" ")).isEqualTo("-");
  }

  private String printed(Terminal terminal) {
    var text = new StringWriter();
    table.print(new PrintWriter(text, true), terminal);
    return text.toString();
  }
}
