package dev.symbiont.ops;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Text that somebody pipes in.
///
/// A pipe that nobody writes to looks like one whose writer takes its time: schedulers and test
/// runners hand such pipes out. Where the text is only an addition, whoever has not begun after a
/// while is not waited for.
final class StandardInput {

  private static final int END = -1;

  private final InputStream in;
  private final int most;

  /// @param most bytes that are of use; more is wrong use
  StandardInput(InputStream in, int most) {
    this.in = in;
    this.most = most;
  }

  /// All of it, however long it takes; empty if nothing comes.
  String text() {
    try {
      byte[] bytes = in.readNBytes(most + 1);
      if (bytes.length > most) {
        throw new SetupException("stdin has more than the %d bytes of a task".formatted(most));
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new SetupException("stdin is no text in UTF-8");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The same, but nothing when it has neither begun nor ended after that time.
  Optional<String> textWithin(Duration patience) throws InterruptedException {
    var unread = new PushbackInputStream(in);
    var begun = new CompletableFuture<Boolean>();
    Thread.ofPlatform().daemon().name("stdin").start(() -> begin(unread, begun));
    try {
      return Optional.of(
          begun.get(patience.toMillis(), TimeUnit.MILLISECONDS)
              ? new StandardInput(unread, most).text()
              : "");
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      // Closed altogether, as `<&-` leaves it.
      return Optional.of("");
    }
  }

  private static void begin(PushbackInputStream unread, CompletableFuture<Boolean> begun) {
    try {
      int first = unread.read();
      if (first != END) {
        unread.unread(first);
      }
      begun.complete(first != END);
    } catch (IOException e) {
      begun.completeExceptionally(e);
    }
  }
}
