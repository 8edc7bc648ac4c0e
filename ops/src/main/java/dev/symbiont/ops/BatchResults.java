package dev.symbiont.ops;

import dev.symbiont.contract.wire.Codec;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The results of a batch: one JSON line each, in the order of the lines that they are of. What is
/// there when it is opened stays, and is not asked again; the half line that a crash may have left
/// goes.
final class BatchResults implements AutoCloseable {

  private final OutputStream out;
  private final Closeable file;

  /// Read by whoever tells how far it had come when it was stopped.
  private final AtomicInteger count = new AtomicInteger();

  private int failed;

  private BatchResults(OutputStream out, Closeable file) {
    this.out = out;
    this.file = file;
  }

  /// Printed to stdout, where nothing can be looked up.
  static BatchResults printed() {
    return new BatchResults(System.out, () -> {});
  }

  /// Fails if the file has results of anything else than these lines.
  static BatchResults in(Path file, List<BatchLine> lines) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    if (channel.tryLock() == null) {
      channel.close();
      throw new SetupException("another batch writes to %s".formatted(file));
    }
    var results = new BatchResults(Channels.newOutputStream(channel), channel);
    results.takeUp(file, channel, lines);
    return results;
  }

  /// How many lines have theirs: the first ones.
  int count() {
    return count.get();
  }

  int failed() {
    return failed;
  }

  void add(ObjectNode result) {
    note(result);
    try {
      out.write((result + "\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /// Reads from the channel that holds the lock: to close another one on the same file would give
  /// the lock up.
  private void takeUp(Path file, FileChannel channel, List<BatchLine> lines) throws IOException {
    long whole = 0;
    var reader = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
    for (String text = reader.readLine(); text != null; text = reader.readLine()) {
      long end = whole + text.getBytes(StandardCharsets.UTF_8).length + 1;
      if (end > channel.size()) {
        break;
      }
      JsonNode result = read(text);
      if (count() == lines.size() || !isOf(lines.get(count()), result)) {
        throw new SetupException(
            "line %d of %s is not the result of this batch's; move the file away, or name another with --out"
                .formatted(count() + 1, file));
      }
      note(result);
      whole = end;
    }
    channel.truncate(whole).position(whole);
  }

  private static boolean isOf(BatchLine line, JsonNode result) {
    return result.path("line").asInt(0) == line.number()
        && result.path("id").asString("").equals(line.id());
  }

  private static JsonNode read(String text) {
    try {
      return Codec.mapper().readTree(text);
    } catch (JacksonException e) {
      return Codec.mapper().nullNode();
    }
  }

  private void note(JsonNode result) {
    count.incrementAndGet();
    if (!"succeeded".equals(result.path("status").asString(""))) {
      failed++;
    }
  }
}
