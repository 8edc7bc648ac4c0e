package dev.symbiont.ops;

import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.DamagedLogException;
import dev.symbiont.ledger.writer.LedgerFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Whether the ledger can be written where it is, and is whole.
final class FolderCheck {

  private static final int PROBE_BYTES = 64 * 1024;
  private static final long MEGABYTE = 1_000_000;

  private final Path folder;
  private final long leastFreeMegabytes;
  private final Findings findings;

  FolderCheck(Path folder, long leastFreeMegabytes, Findings findings) {
    this.folder = folder.toAbsolutePath();
    this.leastFreeMegabytes = leastFreeMegabytes;
    this.findings = findings;
  }

  void make() {
    Path there = folder;
    while (!Files.exists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    if (isWritable(there)) {
      space(there);
    }
    chains();
  }

  /// Tries it: rights alone do not tell of a disk that is full, or was mounted to be read.
  private boolean isWritable(Path there) {
    try {
      Path probe = Files.createTempFile(there, ".symbiont-doctor-", "");
      try {
        Files.write(probe, new byte[PROBE_BYTES]);
      } finally {
        Files.delete(probe);
      }
    } catch (IOException e) {
      findings.fail(
          "ledger folder",
          "%s cannot be written (%s); give the ledger-writer's user the right to and the disk room, or set SYMBIONT_DATA to another folder"
              .formatted(folder, e));
      return false;
    }
    findings.ok(
        "ledger folder",
        folder + (there.equals(folder) ? "" : " is not there yet; it can be made"));
    return true;
  }

  private void space(Path there) {
    try {
      long free = Files.getFileStore(there).getUsableSpace() / MEGABYTE;
      if (free < leastFreeMegabytes) {
        findings.fail(
            "disk",
            "%d MB are left for %s, and there should be %d; make room, or set SYMBIONT_DATA to a larger disk"
                .formatted(free, folder, leastFreeMegabytes));
      } else {
        findings.ok("disk", "%d MB are left".formatted(free));
      }
    } catch (IOException e) {
      findings.unknown("disk", "how much is left of it is not to be seen (%s)".formatted(e));
    }
  }

  private void chains() {
    if (!findings.wants("ledger")) {
      return;
    }
    var files = new LedgerFiles(folder);
    if (!Files.exists(files.journal())) {
      findings.unknown("ledger", "nothing was recorded here yet");
      return;
    }
    try {
      for (Path file : List.of(files.journal(), files.ledger())) {
        // Half of what is just being written looks like damage, but not for long.
        if (damage(file).isPresent()) {
          Optional<String> damage = damage(file);
          if (damage.isPresent()) {
            findings.fail(
                "ledger",
                "%s; keep a copy, and take the file back from the back-up".formatted(damage.get()));
            return;
          }
        }
      }
      findings.ok("ledger", "journal and ledger are intact");
    } catch (IOException e) {
      findings.fail("ledger", "it cannot be read (%s); its files are for their owner".formatted(e));
    }
  }

  private static Optional<String> damage(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      var _ = ChainedLog.verify(file, _ -> {});
      return Optional.empty();
    } catch (DamagedLogException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }
}
