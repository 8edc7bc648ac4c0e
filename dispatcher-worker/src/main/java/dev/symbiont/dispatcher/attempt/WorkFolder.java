package dev.symbiont.dispatcher.attempt;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where this worker's calls have their working directories.
public record WorkFolder(Path path) {

  private static final Logger log = LoggerFactory.getLogger(WorkFolder.class);

  /// An empty folder for one call, readable by us alone.
  Private make() {
    try {
      return new Private(Files.createTempDirectory(path, "call-"));
    } catch (IOException e) {
      throw new UncheckedIOException("no working directory for a call", e);
    }
  }

  /// Gone, with all that is in it, when closed.
  record Private(Path path) implements AutoCloseable {

    @Override
    public void close() {
      try {
        delete(path);
      } catch (IOException e) {
        // What is left goes with the worker's folder.
        log.warn("{} cannot be removed: {}", path, e.toString());
      }
    }
  }

  private static void delete(Path folder) throws IOException {
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
          public FileVisitResult postVisitDirectory(
              Path dir, @org.jspecify.annotations.Nullable IOException e) throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
