package dev.symbiont.ledger.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.ledger.journal.ChainedLog.Mark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChainedLogTest {

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("some.jsonl");
  }

  @Test
  void whatWasFlushedIsThereAfterReopening() throws IOException {
    Mark before;
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      write(log, "one", "two");
      write(log, "three");
      log.force();
      before = log.mark();
    }

    var read = new ArrayList<Line>();
    try (ChainedLog log = ChainedLog.open(file, Mark.START, read::add)) {
      assertThat(log.repair()).isNull();
      assertThat(log.mark()).isEqualTo(before);
    }

    assertThat(read).extracting(Line::number).containsExactly(1L, 2L, 3L);
    assertThat(read.get(2).bytes()).asString().startsWith("{\"text\":\"three\",\"at\":");
  }

  @Test
  void whatWasOnlyAddedIsNot() throws IOException {
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      write(log, "one");
      log.add(object("two"));
    }

    assertThat(ChainedLog.verify(file, _ -> {}).lines()).isEqualTo(1);
  }

  @Test
  void appendingGoesOnWhereTheFileEnds() throws IOException {
    for (String text : List.of("one", "two", "three")) {
      try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
        write(log, text);
      }
    }

    assertThat(ChainedLog.verify(file, _ -> {}).lines()).isEqualTo(3);
  }

  @Test
  void readingGoesOnFromAMark() throws IOException {
    Mark mark;
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      write(log, "one", "two");
      mark = log.mark();
      write(log, "three");
    }

    var read = new ArrayList<Line>();
    try (ChainedLog log = ChainedLog.open(file, mark, read::add)) {
      assertThat(log.mark().lines()).isEqualTo(3);
    }

    assertThat(read).singleElement().extracting(Line::number).isEqualTo(3L);
    assertThat(ChainedLog.holds(file, mark)).isTrue();
    assertThat(Mark.after(read.getFirst())).isEqualTo(ChainedLog.verify(file, _ -> {}));
  }

  @Test
  void aLineIsReadAtItsPlace() throws IOException {
    Span place;
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      write(log, "one");
      log.add(object("two"));
      place = log.add(object("three"));
      log.flush();
    }

    assertThat(ChainedLog.read(file, place)).asString().isEqualTo(Files.readAllLines(file).get(2));
  }

  @Test
  void aMarkDoesNotHoldInAFileThatIsShorterOrAnother() throws IOException {
    Mark mark;
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      write(log, "one");
      mark = log.mark();
    }
    var other = folder.resolve("other.jsonl");
    try (ChainedLog log = ChainedLog.open(other, Mark.START, _ -> {})) {
      write(log, "eno");
    }

    assertThat(ChainedLog.holds(file, mark)).isTrue();
    assertThat(ChainedLog.holds(other, mark)).isFalse();
    assertThat(ChainedLog.holds(folder.resolve("missing"), mark)).isFalse();
    Files.write(file, new byte[10]);
    assertThat(ChainedLog.holds(file, mark)).isFalse();
  }

  @Test
  void theChainCanBeCheckedByAnyone() throws Exception {
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      for (String text : List.of("one", "zwölf", "\uD83D\uDE00")) {
        write(log, text, text + text);
      }
    }

    checkChainAsAnyoneWould(Files.readAllLines(file));
  }

  @Test
  void promptsThatLookLikeTheChainDoNotConfuseIt() throws Exception {
    String zeros = "0".repeat(64);
    var texts =
        List.of(
            "\",\"hash\":\"" + zeros + "\"}",
            "\"prev\":\"" + zeros + "\"",
            "\"at\":99999999,",
            ",\"at\":7,\"prev\":\"" + zeros + "\",\"hash\":\"" + zeros + "\"}");
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      for (String text : texts) {
        // Escaped, as in a string; and as members of their own, which nothing forbids.
        log.add(object(text.replace("\"", "\\\"")));
        log.add(
            "{\"prev\":\"%s\",\"at\":7,\"hash\":\"%s\",\"x\":1}"
                .formatted(zeros, zeros)
                .getBytes(UTF_8));
        log.flush();
      }
    }

    checkChainAsAnyoneWould(Files.readAllLines(file));
    assertThat(ChainedLog.verify(file, _ -> {}).lines()).isEqualTo(8);
    long size = Files.size(file);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 100] ^= 1;
    Files.write(file, bytes);
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      assertThat(log.mark().lines()).isEqualTo(7);
      assertThat(log.mark().offset()).isLessThan(size);
    }
  }

  @Test
  void onlyItsOwnerMayReadTheFile() throws IOException {
    ChainedLog.open(file, Mark.START, _ -> {}).close();

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void linesMayBeBig() throws IOException {
    String big = "x".repeat(6_000_000);
    try (ChainedLog log = ChainedLog.open(file, Mark.START, _ -> {})) {
      write(log, "small", big, "small");
      write(log, big);
      log.force();
    }

    var lengths = new ArrayList<Integer>();
    try (ChainedLog log =
        ChainedLog.open(file, Mark.START, line -> lengths.add(line.bytes().length))) {
      assertThat(log.repair()).isNull();
    }

    assertThat(lengths).hasSize(4);
    assertThat(lengths.get(1)).isGreaterThan(6_000_000);
  }

  private static void write(ChainedLog log, String... texts) throws IOException {
    for (String text : texts) {
      log.add(object(text));
    }
    log.flush();
  }

  private static byte[] object(String text) {
    return "{\"text\":\"%s\"}".formatted(text).getBytes(UTF_8);
  }

  /// Shares no code with what it checks.
  private static void checkChainAsAnyoneWould(List<String> lines) throws Exception {
    String prev = "0".repeat(64);
    for (String line : lines) {
      int end = line.lastIndexOf(",\"hash\":\"");
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(line.substring(0, end).getBytes(UTF_8));
      String hash = HexFormat.of().formatHex(digest);
      assertThat(line.substring(end)).isEqualTo(",\"hash\":\"%s\"}", hash);
      assertThat(line.substring(0, end)).endsWith("\"prev\":\"%s\"".formatted(prev));
      prev = hash;
    }
  }
}
