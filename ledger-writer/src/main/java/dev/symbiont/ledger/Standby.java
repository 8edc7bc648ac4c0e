package dev.symbiont.ledger;

import dev.symbiont.hop.Vitals;
import dev.symbiont.ledger.writer.LedgerFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileLock;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/// Waits for the ledger's folder, then writes. The first try is made on start, so that damage stops
/// the start; only a folder that another writer holds is waited for in the background.
final class Standby implements SmartLifecycle, Vitals.Check {

  private static final Logger log = LoggerFactory.getLogger(Standby.class);
  private static final long TRY_AGAIN_MILLIS = 500;

  private final LedgerFiles files;
  private final Work work;
  private volatile @Nullable FileLock lock;
  private volatile @Nullable Writing writing;
  private volatile @Nullable Thread waiting;
  private volatile boolean running;

  /// The one who writes.
  interface Writing extends Closeable {

    /// Why it cannot, if it cannot.
    Optional<String> problem();
  }

  /// Begins to write, and returns what ends it.
  interface Work {
    Writing begin() throws IOException;
  }

  Standby(LedgerFiles files, Work work) {
    this.files = files;
    this.work = work;
  }

  @Override
  public void start() {
    running = true;
    try {
      if (!begin()) {
        log.info("standing by: another ledger-writer has {}", files.folder());
        waiting = Thread.ofPlatform().name("ledger-standby").start(this::waitForTurn);
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(
          "the ledger's folder %s cannot be used".formatted(files.folder()), e);
    }
  }

  @Override
  public void stop() {
    running = false;
    Thread thread = waiting;
    if (thread != null) {
      thread.interrupt();
    }
    try {
      if (writing != null) {
        writing.close();
      }
      release();
    } catch (Exception e) {
      log.warn("stopping: {}", e.toString());
    }
    writing = null;
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  @Override
  public Optional<String> problem() {
    Writing now = writing;
    return now == null ? Optional.of("this ledger-writer stands by") : now.problem();
  }

  private boolean begin() throws IOException {
    Optional<FileLock> got = files.tryLock();
    if (got.isEmpty()) {
      return false;
    }
    lock = got.get();
    try {
      writing = work.begin();
      return true;
    } catch (IOException | RuntimeException e) {
      release(); // whoever can do better shall have it
      throw e;
    }
  }

  private void release() throws IOException {
    FileLock held = lock;
    if (held != null) {
      held.acquiredBy().close();
    }
    lock = null;
  }

  private void waitForTurn() {
    try {
      while (running && !begin()) {
        TimeUnit.MILLISECONDS.sleep(TRY_AGAIN_MILLIS);
      }
      log.info("took over {}", files.folder());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException e) {
      log.error("taking over failed; this ledger-writer does nothing until it is restarted", e);
    }
  }
}
