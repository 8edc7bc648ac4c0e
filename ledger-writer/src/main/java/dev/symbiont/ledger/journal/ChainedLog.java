package dev.symbiont.ledger.journal;

import dev.symbiont.contract.Ids;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A file of JSON objects, one a line, each ending in `"prev"`, the hash of the line before, and
/// `"hash"`, the SHA-256 of everything in this line before `,"hash"`. Anyone can check the chain
/// with a few lines of code.
///
/// A *source* log is the only place where its lines are. What survives which crash: after
/// [#force()] returned, every line flushed before. A process or machine that dies earlier leaves
/// any part of what came after behind, even a later line without an earlier one. Each line
/// therefore says up to which offset the file had been forced when it was written (`"at"`): a
/// broken line is a tail, and is cut off, unless something follows that was written when the broken
/// line was on disk already. In that case it was damaged, and the file is refused.
///
/// A *derived* log can be made again to the byte. Its lines have no `"at"`; from a broken line on
/// it is cut off.
public final class ChainedLog implements AutoCloseable {

  private static final String GENESIS = "0".repeat(64);
  private static final byte[] HASH = ",\"hash\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] PREV = "\"prev\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] AT = "\"at\":".getBytes(StandardCharsets.US_ASCII);
  private static final int DIGEST_LENGTH = 64;
  private static final int MOST_DIGITS = 18;
  private static final int TRAILER_LENGTH = HASH.length + DIGEST_LENGTH + 2;

  private final FileChannel channel;
  private final boolean derived;
  private final ByteArrayOutputStream batch = new ByteArrayOutputStream();
  private long size;
  private long forced;
  private long lines;
  private String head;
  private final @Nullable String repair;

  private ChainedLog(FileChannel channel, boolean derived, Scan scan, @Nullable String repair) {
    this.channel = channel;
    this.derived = derived;
    this.size = scan.end;
    this.forced = scan.end;
    this.lines = scan.lines;
    this.head = scan.head;
    this.repair = repair;
  }

  /// The state of a log after some line, from which reading can go on.
  public record Mark(long offset, long lines, String head) {
    public static final Mark START = new Mark(0, 0, GENESIS);

    public static Mark after(Line line) {
      return new Mark(line.span().end(), line.number(), hashIn(line.bytes()));
    }
  }

  /// Opens a source log, or makes it: checks every line, hands those from `from` on to `reader`,
  /// and cuts off a broken tail.
  public static ChainedLog open(Path file, Mark from, Consumer<Line> reader) throws IOException {
    return open(file, from, reader, false);
  }

  /// Opens a derived log, or makes it, and cuts it off from the first broken line on.
  public static ChainedLog openDerived(Path file) throws IOException {
    return open(file, Mark.START, _ -> {}, true);
  }

  private static ChainedLog open(Path file, Mark from, Consumer<Line> reader, boolean derived)
      throws IOException {
    boolean made = !Files.exists(file);
    FileChannel channel =
        FileChannel.open(
            file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), OwnerOnly.ATTRIBUTE);
    try {
      if (made) {
        forceDirectory(Objects.requireNonNull(file.toAbsolutePath().getParent()));
      }
      Scan scan = scan(file, from, reader);
      if (scan.wasForced && !derived) {
        throw scan.damage(file);
      }
      String repair = null;
      if (scan.problem != null) {
        repair =
            "%s: cut off %d bytes after line %d (byte %d): %s"
                .formatted(
                    file.getFileName(),
                    channel.size() - scan.end,
                    scan.lines,
                    scan.end,
                    scan.problem);
        channel.truncate(scan.end);
      }
      channel.force(true);
      channel.position(scan.end);
      return new ChainedLog(channel, derived, scan, repair);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /// Reads the whole file and returns the mark after its last line. Changes nothing.
  public static Mark verify(Path file, Consumer<Line> reader) throws IOException {
    Scan scan = scan(file, Mark.START, reader);
    if (scan.problem != null) {
      throw scan.damage(file);
    }
    return new Mark(scan.end, scan.lines, scan.head);
  }

  /// Whether the line that ends at this mark is still there and unchanged.
  public static boolean holds(Path file, Mark mark) throws IOException {
    if (mark.offset == 0) {
      return true;
    }
    if (!Files.exists(file) || Files.size(file) < mark.offset) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var end = ByteBuffer.allocate(TRAILER_LENGTH + 1);
      channel.read(end, mark.offset - end.capacity());
      return new String(end.array(), StandardCharsets.US_ASCII).endsWith(mark.head + "\"}\n");
    }
  }

  /// What was cut off when the file was opened, in words; nothing if it was whole.
  public @Nullable String repair() {
    return repair;
  }

  /// The state after the last line that was flushed.
  public Mark mark() {
    return new Mark(size, lines, head);
  }

  /// Puts a JSON object behind the last line. It is in the file after [#flush()] and on disk after
  /// [#force()].
  public Line add(byte[] object) {
    byte[] bytes = chain(object);
    var line = new Line(lines + 1, new Span(size + batch.size(), bytes.length + 1), bytes);
    batch.writeBytes(bytes);
    batch.write('\n');
    lines = line.number();
    head = hashIn(bytes);
    return line;
  }

  /// Writes what was added as one batch.
  public void flush() throws IOException {
    var bytes = ByteBuffer.wrap(batch.toByteArray());
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    size += batch.size();
    batch.reset();
  }

  /// Returns when everything flushed is on disk. After a failure the file must be reopened and
  /// read: what a failed force leaves on the disk is unknown, and a second force would report
  /// success without writing it.
  public void force() throws IOException {
    channel.force(false);
    forced = size;
  }

  /// The line at this place, without its end.
  public static byte[] read(Path file, Span span) throws IOException {
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      var bytes = ByteBuffer.allocate(span.length() - 1);
      while (bytes.hasRemaining()) {
        if (in.read(bytes, span.offset() + bytes.position()) < 0) {
          throw new IOException("%s ends before byte %d".formatted(file, span.end()));
        }
      }
      return bytes.array();
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private byte[] chain(byte[] object) {
    String at = derived ? "" : ",\"at\":" + forced;
    var line = new ByteArrayOutputStream(object.length + 256);
    line.write(object, 0, object.length - 1);
    line.writeBytes((at + ",\"prev\":\"" + head + '"').getBytes(StandardCharsets.US_ASCII));
    String hash = HexFormat.of().formatHex(Ids.sha256().digest(line.toByteArray()));
    line.writeBytes(HASH);
    line.writeBytes((hash + "\"}").getBytes(StandardCharsets.US_ASCII));
    return line.toByteArray();
  }

  /// How far a file is whole, and what is wrong with the line behind that.
  private static final class Scan {
    long end;
    long lines;
    String head = GENESIS;
    @Nullable String problem;
    boolean wasForced;

    /// @param bytes one line, whole or not
    void take(byte[] bytes, long from, Consumer<Line> reader) {
      if (problem == null) {
        problem = problemWith(bytes, head);
      }
      if (problem == null) {
        var span = new Span(end, bytes.length + 1);
        lines++;
        end = span.end();
        head = hashIn(bytes);
        if (span.offset() >= from) {
          reader.accept(new Line(lines, span, bytes));
        }
      } else if (forcedBefore(bytes) > end) {
        wasForced = true;
      }
    }

    DamagedLogException damage(Path file) {
      return new DamagedLogException(file, lines + 1, end, String.valueOf(problem));
    }
  }

  private static Scan scan(Path file, Mark from, Consumer<Line> reader) throws IOException {
    var scan = new Scan();
    var line = new ByteArrayOutputStream();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] chunk = new byte[1 << 16];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        int start = 0;
        for (int i = 0; i < n; i++) {
          if (chunk[i] == '\n') {
            line.write(chunk, start, i - start);
            scan.take(line.toByteArray(), from.offset, reader);
            line.reset();
            start = i + 1;
          }
        }
        line.write(chunk, start, n - start);
      }
    }
    if (line.size() > 0) {
      scan.problem = scan.problem == null ? "the line is not complete" : scan.problem;
    }
    return scan;
  }

  private static @Nullable String problemWith(byte[] line, String prev) {
    if (!isWhole(line)) {
      return "its hash does not fit its content";
    }
    int start = lastIndexOf(line, PREV) + PREV.length;
    return prev.equals(new String(line, start, DIGEST_LENGTH, StandardCharsets.US_ASCII))
        ? null
        : "the line before it is missing";
  }

  private static boolean isWhole(byte[] line) {
    if (!hasTrailer(line)) {
      return false;
    }
    var digest = Ids.sha256();
    digest.update(line, 0, line.length - TRAILER_LENGTH);
    return HexFormat.of().formatHex(digest.digest()).equals(hashIn(line));
  }

  private static boolean hasTrailer(byte[] line) {
    int content = line.length - TRAILER_LENGTH;
    return content > 0
        && Arrays.equals(line, content, content + HASH.length, HASH, 0, HASH.length)
        && line[line.length - 2] == '"'
        && line[line.length - 1] == '}';
  }

  /// What a line says had been forced when it was written, also when its beginning is broken or
  /// joined to another line; -1 if it does not say.
  private static long forcedBefore(byte[] line) {
    int start = hasTrailer(line) ? lastIndexOf(line, AT) : -1;
    if (start < 0) {
      return -1;
    }
    int end = start + AT.length;
    while (line[end] >= '0' && line[end] <= '9') {
      end++;
    }
    String digits =
        new String(line, start + AT.length, end - start - AT.length, StandardCharsets.US_ASCII);
    return digits.isEmpty() || digits.length() > MOST_DIGITS ? -1 : Long.parseLong(digits);
  }

  private static String hashIn(byte[] line) {
    int start = line.length - 2 - DIGEST_LENGTH;
    return new String(line, start, DIGEST_LENGTH, StandardCharsets.US_ASCII);
  }

  /// The members of the chain stand last in a line, so what a prompt may contain cannot be taken
  /// for them.
  private static int lastIndexOf(byte[] line, byte[] name) {
    for (int i = line.length - name.length; i >= 0; i--) {
      if (Arrays.equals(line, i, i + name.length, name, 0, name.length)) {
        return i;
      }
    }
    return -1;
  }

  /// A new file survives a crash only when its name does.
  private static void forceDirectory(Path folder) throws IOException {
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }
}
