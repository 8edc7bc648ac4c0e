package dev.symbiont.ledger.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.symbiont.ledger.journal.ChainedLog.Mark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a crash leaves behind is cut off; what was damaged afterwards is refused.
class DamagedLogTest {

  /// Bytes at the end of a file that the tests cut one by one.
  private static final int TAIL = 2_048;

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("some.jsonl");
  }

  @Test
  void aFileCutAnywhereReopensWithTheWholeLinesBefore() throws IOException {
    List<Span> lines = written(4, 3, 3);
    byte[] whole = Files.readAllBytes(file);
    assertThat(whole.length).isGreaterThan(TAIL);

    for (int length = whole.length - TAIL; length <= whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      int cut = length;
      long kept = lines.stream().filter(it -> it.end() <= cut).count();
      long end = lines.stream().mapToLong(Span::end).filter(it -> it <= cut).max().orElse(0);

      try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
        assertThat(log.mark().lines()).isEqualTo(kept);
        if (end == length) {
          assertThat(log.repair()).isNull();
        } else {
          assertThat(log.repair())
              .contains("some.jsonl", "%d bytes".formatted(length - end))
              .contains("after line %d (byte %d)".formatted(kept, end));
        }
        log.add(object("after"));
        log.flush();
      }
      assertThat(ChainedLog.verify(file, _ -> {}).lines()).isEqualTo(kept + 1);
    }
  }

  @Test
  void aFlippedBitInAForcedBatchIsRefusedWithItsPlace() throws IOException {
    List<Span> lines = written(2, 3, 2);
    byte[] whole = Files.readAllBytes(file);

    for (int number = 3; number <= 5; number++) {
      Span line = lines.get(number - 1);
      for (int at = (int) line.offset(); at < line.end(); at++) {
        if (at >= line.end() - 3 && at < line.end() - 1) {
          continue; // the two signs behind the hash: see changedSignsBehindTheHashAreRefused
        }
        flip(whole, at);
        refusesAt(number, line.offset(), "byte " + at);
      }
    }
  }

  @Test
  void changedSignsBehindTheHashAreRefused() throws IOException {
    List<Span> lines = written(2, 3, 2);
    byte[] whole = Files.readAllBytes(file);

    for (long at : List.of(lines.get(3).end() - 3, lines.get(3).end() - 2)) {
      flip(whole, (int) at);
      refusesAt(4, lines.get(3).offset(), "byte " + at);
    }
  }

  @Test
  void aLostLineEndBeforeALastBatchOfOneLineIsRefused() throws IOException {
    List<Span> lines = written(2, 3, 1);
    byte[] whole = Files.readAllBytes(file);

    flip(whole, (int) lines.get(4).end() - 1);

    refusesAt(5, lines.get(4).offset(), "the line end");
  }

  @Test
  void aForcedLineThatIsMissingBeforeTheLastIsRefused() throws IOException {
    List<Span> lines = written(2, 3, 1);
    byte[] whole = Files.readAllBytes(file);
    Span gone = lines.get(4);

    Files.write(file, without(whole, gone));

    refusesAt(5, gone.offset(), "line 5");
  }

  @Test
  void aForcedLineThatIsMissingIsRefused() throws IOException {
    List<Span> lines = written(2, 3, 2);
    byte[] whole = Files.readAllBytes(file);

    for (int number = 1; number <= 5; number++) {
      Span gone = lines.get(number - 1);
      Files.write(file, without(whole, gone));

      refusesAt(number, gone.offset(), "line " + number);
    }
  }

  @Test
  void aBrokenLineOfTheLastBatchIsATailEvenBeforeAWholeOne() throws IOException {
    List<Span> lines = written(2, 3);
    byte[] whole = Files.readAllBytes(file);

    for (int number = 3; number <= 5; number++) {
      Span broken = lines.get(number - 1);
      byte[] damaged = whole.clone();
      // What a file system leaves of a page that it did not get to write.
      Arrays.fill(damaged, (int) broken.offset(), (int) broken.end(), (byte) 0);
      Files.write(file, damaged);

      try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
        assertThat(log.mark().lines()).isEqualTo(number - 1);
        assertThat(log.repair()).contains("cut off");
      }
      assertThat(Files.size(file)).isEqualTo(broken.offset());
    }
  }

  @Test
  void verifyNamesTheFirstLineThatWasChanged() throws IOException {
    List<Span> lines = written(2, 3, 2);
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) lines.get(1).offset() + 10] ^= 1;
    bytes[(int) lines.get(4).offset() + 10] ^= 1;
    Files.write(file, bytes);

    assertThatThrownBy(() -> ChainedLog.verify(file, _ -> {}))
        .isInstanceOf(DamagedLogException.class)
        .hasMessageContaining("some.jsonl: line 2, at byte %d", lines.get(1).offset());
  }

  @Test
  void verifyRefusesABrokenTailAndChangesNothing() throws IOException {
    written(2, 2);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 5));

    assertThatThrownBy(() -> ChainedLog.verify(file, _ -> {}))
        .isInstanceOf(DamagedLogException.class)
        .hasMessageContaining("line 4");

    assertThat(Files.size(file)).isEqualTo(bytes.length - 5);
  }

  /// Batches of so many lines each.
  private List<Span> written(int... batches) throws IOException {
    var spans = new ArrayList<Span>();
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      for (int lines : batches) {
        for (int i = 0; i < lines; i++) {
          spans.add(log.add(object("J*: text " + spans.size() + " ".repeat(60))));
        }
        log.flush();
        log.force();
      }
    }
    return spans;
  }

  private void flip(byte[] whole, int at) throws IOException {
    byte[] damaged = whole.clone();
    damaged[at] ^= (byte) (1 << at % 8);
    Files.write(file, damaged);
  }

  private void refusesAt(int line, long offset, String what) throws IOException {
    long size = Files.size(file);
    var refusal =
        catchThrowableOfType(
            DamagedLogException.class, () -> ChainedLog.open(file, Mark.START, _ -> {}).close());
    assertThat(refusal).as(what).isNotNull();
    assertThat(refusal.offset()).as(what).isEqualTo(offset);
    assertThat(refusal)
        .as(what)
        .hasMessageContaining("some.jsonl: line %d, at byte %d", line, offset);
    assertThat(Files.size(file)).as("nothing is cut off").isEqualTo(size);
  }

  private static byte[] without(byte[] whole, Span gone) {
    var rest = new byte[whole.length - gone.length()];
    System.arraycopy(whole, 0, rest, 0, (int) gone.offset());
    System.arraycopy(
        whole, (int) gone.end(), rest, (int) gone.offset(), whole.length - (int) gone.end());
    return rest;
  }

  private static byte[] object(String text) {
    return "{\"text\":\"%s\"}".formatted(text).getBytes(UTF_8);
  }
}
