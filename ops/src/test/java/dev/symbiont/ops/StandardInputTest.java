package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class StandardInputTest {

  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration LONG = Duration.ofSeconds(20);

  @Test
  void whatComesIsReadToItsEnd() throws Exception {
    var in = new ByteArrayInputStream("grüß\ndich".getBytes(StandardCharsets.UTF_8));

    assertThat(new StandardInput(in, 100).textWithin(LONG)).contains("grüß\ndich");
  }

  @Test
  void nothingIsAnAnswerAtOnce() throws Exception {
    assertThat(new StandardInput(InputStream.nullInputStream(), 100).textWithin(LONG)).contains("");
  }

  @Test
  void aClosedOneIsLikeAnEmptyOne() throws Exception {
    var closed = InputStream.nullInputStream();
    closed.close();

    assertThat(new StandardInput(closed, 100).textWithin(LONG)).contains("");
  }

  @Test
  void aPipeToWhichNobodyWritesIsLeftAlone() throws Exception {
    try (var writer = new PipedOutputStream();
        var in = new PipedInputStream(writer)) {
      assertThat(new StandardInput(in, 100).textWithin(SHORT)).isEmpty();
    }
  }

  @Test
  void whoHasBegunIsWaitedFor() throws Exception {
    try (var writer = new PipedOutputStream();
        var in = new PipedInputStream(writer)) {
      writer.write('a');
      Thread rest = Thread.startVirtualThread(() -> finish(writer));

      assertThat(new StandardInput(in, 100).textWithin(LONG)).contains("ab");

      rest.join();
    }
  }

  @Test
  void whatIsNoTextOrTooMuchIsRefused() {
    byte[] latin = {(byte) 0xe9, 'x'};

    assertThatThrownBy(() -> new StandardInput(new ByteArrayInputStream(latin), 100).text())
        .hasMessage("stdin is no text in UTF-8");
    assertThatThrownBy(() -> new StandardInput(new ByteArrayInputStream(new byte[101]), 100).text())
        .hasMessage("stdin has more than the 100 bytes of a task");
  }

  private static void finish(PipedOutputStream writer) {
    try (writer) {
      writer.write('b');
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
