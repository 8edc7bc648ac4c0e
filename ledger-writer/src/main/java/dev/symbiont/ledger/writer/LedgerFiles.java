package dev.symbiont.ledger.writer;

import dev.symbiont.ledger.journal.OwnerOnly;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// The files in the ledger's folder.
public record LedgerFiles(Path folder) {

  /// The truth: every step of every task.
  public Path journal() {
    return folder.resolve("tasks.jsonl");
  }

  /// One line per call, derived from the journal.
  public Path ledger() {
    return folder.resolve("ledger.jsonl");
  }

  /// The file of the ledger that belongs to a sealed file of the journal.
  Path sealedLedger(Path sealedJournal) {
    return folder.resolve(sealedJournal.getFileName().toString().replace("tasks-", "ledger-"));
  }

  public Path index() {
    return folder.resolve("index.sqlite");
  }

  public Path heartbeats() {
    return folder.resolve("heartbeat.jsonl");
  }

  /// Lines that a repair took out of the ledger.
  public Path dropped() {
    return folder.resolve("ledger-dropped.jsonl");
  }

  /// Makes the folder, readable by us alone: prompts and results are in it.
  void make() throws IOException {
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  /// The right to write here, if nobody else has it. Ends with the process, however that ends.
  public Optional<FileLock> tryLock() throws IOException {
    make();
    FileChannel channel =
        FileChannel.open(
            folder.resolve("lock"),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            OwnerOnly.ATTRIBUTE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return Optional.of(lock);
      }
    } catch (OverlappingFileLockException e) {
      // Another writer in this very process has it.
      channel.close();
      return Optional.empty();
    }
    channel.close();
    return Optional.empty();
  }

  /// Has SQLite unpack its library here, in this process: a killed one leaves it where it is, and
  /// the next clears it away. Only for who has the lock.
  public void keepNative() throws IOException {
    Path unpacked = folder.resolve("native");
    Files.createDirectories(unpacked);
    try (Stream<Path> left = Files.list(unpacked)) {
      for (Path file : left.toList()) {
        Files.deleteIfExists(file);
      }
    }
    System.setProperty("org.sqlite.tmpdir", unpacked.toString());
  }
}
