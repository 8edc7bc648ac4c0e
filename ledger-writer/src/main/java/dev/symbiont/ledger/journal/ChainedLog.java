package dev.symbiont.ledger.journal;

import dev.symbiont.contract.Ids;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
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
///
/// A log goes on over several files. [#seal] gives the file a name with a day in it, such as
/// `tasks-2026-03-19.jsonl`, and begins the next, whose first line names the hash of the last line
/// of the sealed one. Offsets and line numbers of a source log go on from file to file; where a
/// file begins is what the `"at"` of its first line says.
public final class ChainedLog implements AutoCloseable {

  private static final String GENESIS = "0".repeat(64);
  private static final byte[] HASH = ",\"hash\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] PREV = "\"prev\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] AT = "\"at\":".getBytes(StandardCharsets.US_ASCII);
  private static final String SEALED = "-\\d{4}-\\d\\d-\\d\\d\\.jsonl";
  private static final int DIGEST_LENGTH = 64;
  private static final int MOST_DIGITS = 18;
  private static final int TRAILER_LENGTH = HASH.length + DIGEST_LENGTH + 2;

  private final FileChannel channel;
  private final Mark origin;
  private final boolean derived;
  private final Batch batch = new Batch();
  private long size;
  private long forced;
  private long lines;
  private String head;
  private final @Nullable String repair;

  private ChainedLog(
      FileChannel channel, Mark origin, boolean derived, Scan scan, @Nullable String repair) {
    this.channel = channel;
    this.origin = origin;
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

  /// Opens a source log, or makes it: checks every line of its last file, hands those from `from`
  /// on to `reader`, and cuts off a broken tail. Sealed files are read only where `from` lies
  /// before their end.
  public static ChainedLog open(Path file, Mark from, Consumer<Line> reader) throws IOException {
    Mark origin = Mark.START;
    for (Path sealed : sealed(file)) {
      Mark end = endOf(sealed);
      if (end.offset <= from.offset) {
        origin = end;
      } else {
        origin = whole(sealed, scan(sealed, origin, from, reader));
      }
    }
    return open(file, origin, from, reader, false);
  }

  /// Opens the last file of a derived log, or makes it, and cuts it off from the first broken line
  /// on.
  ///
  /// @param origin how many lines the files before it have, and the hash of the last
  public static ChainedLog openDerived(Path file, Mark origin) throws IOException {
    return open(file, origin, origin, _ -> {}, true);
  }

  private static ChainedLog open(
      Path file, Mark origin, Mark from, Consumer<Line> reader, boolean derived)
      throws IOException {
    boolean made = !Files.exists(file);
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ),
            OwnerOnly.ATTRIBUTE);
    try {
      if (made) {
        forceFolderOf(file);
      }
      Scan scan = scan(file, origin, from, reader);
      if (scan.wasForced && !derived) {
        throw scan.damage(file);
      }
      String repair = null;
      if (scan.problem != null) {
        repair =
            "%s: cut off %d bytes after line %d (byte %d): %s"
                .formatted(
                    file.getFileName(),
                    channel.size() - scan.length(),
                    scan.lines,
                    scan.length(),
                    scan.problem);
        channel.truncate(scan.length());
      }
      channel.force(true);
      channel.position(scan.length());
      return new ChainedLog(channel, origin, derived, scan, repair);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /// Reads all files from the first to the last and returns the mark after the last line. Changes
  /// nothing.
  public static Mark verify(Path file, Consumer<Line> reader) throws IOException {
    return verify(files(file), reader);
  }

  /// The same for the sealed files alone, which do not change under the reader.
  public static Mark verifySealed(Path file) throws IOException {
    return verify(sealed(file), _ -> {});
  }

  private static Mark verify(List<Path> files, Consumer<Line> reader) throws IOException {
    Mark mark = Mark.START;
    for (Path each : files) {
      mark = whole(each, scan(each, mark, Mark.START, reader));
    }
    return mark;
  }

  private static Mark whole(Path file, Scan scan) throws DamagedLogException {
    if (scan.problem != null) {
      throw scan.damage(file);
    }
    return scan.mark();
  }

  /// Whether the line that ends at this mark is still there and unchanged.
  public static boolean holds(Path file, Mark mark) throws IOException {
    if (mark.offset == 0) {
      return true;
    }
    for (Path each : files(file)) {
      OptionalLong begin = beginOf(each);
      if (begin.isPresent()
          && begin.getAsLong() < mark.offset
          && mark.offset <= begin.getAsLong() + Files.size(each)) {
        return endsWith(each, mark.offset - begin.getAsLong(), mark.head);
      }
    }
    return false;
  }

  private static boolean endsWith(Path file, long end, String head) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var trailer = ByteBuffer.allocate(TRAILER_LENGTH + 1);
      channel.read(trailer, end - trailer.capacity());
      return new String(trailer.array(), StandardCharsets.US_ASCII).endsWith(head + "\"}\n");
    }
  }

  /// The sealed files of a log, oldest first.
  public static List<Path> sealed(Path file) throws IOException {
    String stem = stem(file);
    try (Stream<Path> all = Files.list(folderOf(file))) {
      return all.filter(it -> it.getFileName().toString().matches(stem + SEALED)).sorted().toList();
    }
  }

  /// The name under which a file is sealed.
  public static Path sealedName(Path file, LocalDate day) {
    return file.resolveSibling("%s-%s.jsonl".formatted(stem(file), day));
  }

  /// The files of a log, oldest first; the last one only if it exists.
  private static List<Path> files(Path file) throws IOException {
    var all = new ArrayList<Path>(sealed(file));
    if (Files.exists(file) || all.isEmpty()) {
      all.add(file);
    }
    return all;
  }

  private static String stem(Path file) {
    return file.getFileName().toString().replace(".jsonl", "");
  }

  /// Gives a closed file its final name.
  public static void seal(Path file, Path as) throws IOException {
    Files.move(file, as);
    forceFolderOf(file);
  }

  private static OptionalLong beginOf(Path file) throws IOException {
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      return beginOf(in);
    } catch (NoSuchFileException e) {
      return OptionalLong.empty();
    }
  }

  /// Where a file of a source log begins; nothing if it has no whole line yet.
  private static OptionalLong beginOf(FileChannel file) throws IOException {
    var line = new ByteArrayOutputStream();
    var chunk = ByteBuffer.allocate(1 << 12);
    for (long at = 0; file.read(chunk.clear(), at) > 0; at += chunk.position()) {
      for (int i = 0; i < chunk.position(); i++) {
        if (chunk.get(i) == '\n') {
          long begin = forcedBefore(line.toByteArray());
          return begin < 0 ? OptionalLong.empty() : OptionalLong.of(begin);
        }
        line.write(chunk.get(i));
      }
    }
    return OptionalLong.empty();
  }

  /// The mark after a sealed file of a source log, without reading all of it; its number of lines
  /// is not known then.
  public static Mark endOf(Path sealed) throws IOException {
    long begin =
        beginOf(sealed).orElseThrow(() -> new DamagedLogException(sealed, 1, 0, "no line"));
    return new Mark(begin + Files.size(sealed), 0, lastHash(sealed));
  }

  /// The hash in the last line of a file.
  public static String lastHash(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var trailer = ByteBuffer.allocate(TRAILER_LENGTH + 1);
      channel.read(trailer, Math.max(0, channel.size() - trailer.capacity()));
      var text = new String(trailer.array(), StandardCharsets.US_ASCII);
      int end = text.lastIndexOf("\"}\n");
      if (end < DIGEST_LENGTH) {
        throw new DamagedLogException(file, 0, channel.size(), "it does not end with a hash");
      }
      return text.substring(end - DIGEST_LENGTH, end);
    }
  }

  /// What was cut off when the file was opened, in words; nothing if it was whole.
  public @Nullable String repair() {
    return repair;
  }

  /// The first line of the file that is written, which has one.
  public Line first() throws IOException {
    for (int length = 1 << 12; ; length *= 2) {
      var bytes = ByteBuffer.allocate(length);
      channel.read(bytes, 0);
      for (int i = 0; i < bytes.position(); i++) {
        if (bytes.get(i) == '\n') {
          var span = new Span(origin.offset, i + 1);
          return new Line(origin.lines + 1, span, Arrays.copyOf(bytes.array(), i));
        }
      }
    }
  }

  /// The state before the first line of the file that is written.
  public Mark origin() {
    return origin;
  }

  /// The state after the last line that was flushed.
  public Mark mark() {
    return new Mark(size, lines, head);
  }

  /// Whether lines were added that are not in the file yet.
  public boolean isPending() {
    return batch.size() > 0;
  }

  /// Puts a JSON object behind the last line, and returns its place. It is in the file after
  /// [#flush()] and on disk after [#force()].
  public Span add(byte[] object) {
    int begin = batch.size();
    batch.write(object, 0, object.length - 1);
    batch.write(derived ? "" : ",\"at\":" + forced);
    batch.write(",\"prev\":\"");
    batch.write(head);
    batch.write("\"");
    head = batch.digestFrom(begin);
    batch.writeBytes(HASH);
    batch.write(head);
    batch.write("\"}\n");
    lines++;
    return new Span(size + begin, batch.size() - begin);
  }

  /// Writes what was added as one batch.
  public void flush() throws IOException {
    batch.writeTo(channel);
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

  /// The line of a source log at this place, without its end. May be called while another thread
  /// writes and seals: where a file begins is read from what was opened, not from its name.
  public static byte[] read(Path file, Span span) throws IOException {
    Optional<byte[]> found = readIn(file, span);
    // Where it is not in the file that is written, that one may have been sealed just now.
    for (Path sealed : found.isPresent() ? List.<Path>of() : sealed(file).reversed()) {
      found = found.or(() -> readIn(sealed, span));
    }
    return found.orElseThrow(
        () -> new IOException("%s has no byte %d".formatted(file, span.end())));
  }

  /// The whole lines of a source log between two offsets, at most so many. Their numbers are not
  /// known. May be called while another thread writes and seals; a file that is being sealed just
  /// now is left for the next time.
  public static List<Line> lines(Path file, long from, long until, int most) throws IOException {
    var found = new ArrayList<Line>();
    for (Path each : files(file)) {
      try (FileChannel in = FileChannel.open(each, StandardOpenOption.READ)) {
        long next = found.isEmpty() ? from : found.getLast().span().end();
        OptionalLong begin = beginOf(in);
        if (begin.isEmpty() || begin.getAsLong() + in.size() <= next) {
          continue;
        }
        long first = Math.max(next, begin.getAsLong());
        if (first >= until || found.size() >= most) {
          return found;
        }
        int _ =
            eachLine(
                Channels.newInputStream(in.position(first - begin.getAsLong())),
                bytes -> {
                  long offset = found.isEmpty() ? first : found.getLast().span().end();
                  var span = new Span(offset, bytes.length + 1);
                  found.add(new Line(0, span, bytes));
                  return span.end() < until && found.size() < most;
                });
      } catch (NoSuchFileException e) {
        return found;
      }
    }
    return found;
  }

  private static Optional<byte[]> readIn(Path file, Span span) {
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      OptionalLong begin = beginOf(in);
      return begin.isPresent()
              && begin.getAsLong() <= span.offset()
              && span.end() <= begin.getAsLong() + in.size()
          ? Optional.of(read(in, span.offset() - begin.getAsLong(), span.length() - 1))
          : Optional.empty();
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] read(FileChannel in, long position, int length) throws IOException {
    var bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (in.read(bytes, position + bytes.position()) < 0) {
        throw new IOException("the file ends before byte " + (position + length));
      }
    }
    return bytes.array();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /// Lines that are not in the file yet.
  private static final class Batch extends ByteArrayOutputStream {
    private final MessageDigest sha256 = Ids.sha256();

    /// @param ascii text without any other characters
    void write(String ascii) {
      writeBytes(ascii.getBytes(StandardCharsets.US_ASCII));
    }

    String digestFrom(int begin) {
      sha256.update(buf, begin, count - begin);
      return HexFormat.of().formatHex(sha256.digest());
    }

    void writeTo(FileChannel channel) throws IOException {
      var bytes = ByteBuffer.wrap(buf, 0, count);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
  }

  /// How far a file is whole, and what is wrong with the line behind that.
  private static final class Scan {
    final Mark origin;
    long end;
    long lines;
    String head;
    @Nullable String problem;
    boolean wasForced;

    Scan(Mark origin) {
      this.origin = origin;
      this.end = origin.offset;
      this.lines = origin.lines;
      this.head = origin.head;
    }

    /// @param bytes one line, whole or not
    void take(byte[] bytes, Mark from, Consumer<Line> reader) {
      if (end == from.offset) {
        lines = from.lines; // sealed files before this one were not counted
      }
      if (problem == null) {
        problem = problemWith(bytes, head);
      }
      if (problem == null) {
        var span = new Span(end, bytes.length + 1);
        lines++;
        end = span.end();
        head = hashIn(bytes);
        if (span.offset() >= from.offset) {
          reader.accept(new Line(lines, span, bytes));
        }
      } else if (forcedBefore(bytes) > end) {
        wasForced = true;
      }
    }

    /// Bytes of this file that are whole.
    long length() {
      return end - origin.offset;
    }

    Mark mark() {
      return new Mark(end, lines, head);
    }

    DamagedLogException damage(Path file) {
      return new DamagedLogException(file, lines + 1, length(), String.valueOf(problem));
    }
  }

  private static Scan scan(Path file, Mark origin, Mark from, Consumer<Line> reader)
      throws IOException {
    var scan = new Scan(origin);
    int rest;
    try (InputStream in = Files.newInputStream(file)) {
      rest =
          eachLine(
              in,
              line -> {
                scan.take(line, from, reader);
                return true;
              });
    }
    if (scan.end == from.offset) {
      scan.lines = from.lines;
    }
    if (rest > 0) {
      scan.problem = scan.problem == null ? "the line is not complete" : scan.problem;
    }
    return scan;
  }

  /// Hands out whole lines without their ends, for as long as more are wanted.
  ///
  /// @return how many bytes follow the last line end, if all were wanted
  private static int eachLine(InputStream in, Predicate<byte[]> wantsMore) throws IOException {
    var line = new ByteArrayOutputStream();
    byte[] chunk = new byte[1 << 16];
    for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
      int start = 0;
      for (int i = 0; i < n; i++) {
        if (chunk[i] == '\n') {
          line.write(chunk, start, i - start);
          if (!wantsMore.test(line.toByteArray())) {
            return 0;
          }
          line.reset();
          start = i + 1;
        }
      }
      line.write(chunk, start, n - start);
    }
    return line.size();
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
  private static void forceFolderOf(Path file) throws IOException {
    try (FileChannel directory = FileChannel.open(folderOf(file), StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  private static Path folderOf(Path file) {
    return Objects.requireNonNull(file.toAbsolutePath().getParent());
  }
}
