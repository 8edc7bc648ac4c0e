package dev.symbiont.dispatcher.attempt;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where this worker's calls have their working directories.
public record WorkFolder(Path path) {

  private static final Logger log = LoggerFactory.getLogger(WorkFolder.class);

  /// A folder for one call.
  Private make() {
    return new Private(path);
  }

  /// Empty, and readable by us alone, when somebody asks for it, which a process that is kept does
  /// not. Gone, with all that is in it, when closed.
  static final class Private implements Supplier<Path>, AutoCloseable {

    private final Path parent;
    private @Nullable Path path;
    private boolean failed;

    private Private(Path parent) {
      this.parent = parent;
    }

    @Override
    public synchronized Path get() {
      if (path == null) {
        try {
          path = Files.createTempDirectory(parent, "call-");
        } catch (IOException e) {
          failed = true;
          throw new UncheckedIOException("no working directory for a call", e);
        }
      }
      return path;
    }

    /// Whether it was asked for and could not be made, so that no program can have run in it.
    synchronized boolean failed() {
      return failed;
    }

    @Override
    public synchronized void close() {
      if (path == null) {
        return;
      }
      try {
        delete(path);
      } catch (IOException e) {
        // What is left goes with the worker's folder.
        log.warn("{} cannot be removed: {}", path, e.toString());
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    try {
      Files.delete(folder);
      return;
    } catch (DirectoryNotEmptyException e) {
      // Most are empty; this one is not.
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e)
              throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
