package dev.symbiont.ops;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// Plants faults in a process from outside.
final class Byteman {

  private Byteman() {}

  /// The option for a virtual machine that shall follow these rules.
  ///
  /// @param folder for the file that they are put into
  static String agent(Path folder, String rules) {
    try {
      Path script = Files.createTempFile(folder, "rules", ".btm");
      Files.writeString(script, rules);
      String jar =
          Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
              .filter(it -> it.matches(".*/byteman-[\\d.]+\\.jar"))
              .findFirst()
              .orElseThrow();
      return "-javaagent:%s=script:%s".formatted(jar, script);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
