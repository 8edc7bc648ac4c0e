package dev.symbiont.ops;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The classes of a role, whether or not it has come to use them. A cache that is made in a trial
/// run holds what was loaded in it, and most of what speaks with a broker is loaded only when there
/// is one.
final class AllClasses {

  private static final Pattern JARS =
      Pattern.compile(
          "(amqp-client|spring-rabbit|spring-amqp|contract|hop|router|dispatcher|ledger).*");
  private static final String SUFFIX = ".class";

  private AllClasses() {}

  static void load() {
    Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .distinct()
        .map(Path::of)
        .filter(it -> JARS.matcher(it.getFileName().toString()).matches())
        .forEach(AllClasses::loadFrom);
  }

  private static void loadFrom(Path jar) {
    try (var file = new JarFile(jar.toFile())) {
      file.stream()
          .map(JarEntry::getName)
          .filter(it -> it.endsWith(SUFFIX) && !it.endsWith("-info" + SUFFIX))
          .map(it -> it.substring(0, it.length() - SUFFIX.length()).replace('/', '.'))
          .forEach(AllClasses::loadOne);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void loadOne(String name) {
    try {
      var _ = Class.forName(name, false, AllClasses.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      // Parts of libraries for which another library would be needed.
    }
  }
}
