package dev.symbiont.ops;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which Java this needs.
final class Jdk {

  static final int WANTED = 25;

  /// Until 8 the version was the second number.
  private static final Pattern VERSION = Pattern.compile("(?:1\\.)?(\\d+)(?:[.+_-].*)?");

  private Jdk() {}

  /// What is wrong with a version as `java.version` says it, and what to do.
  static Optional<String> problemWith(String version) {
    Matcher parts = VERSION.matcher(version.strip());
    if (!parts.matches()) {
      return Optional.of(
          "'%s' is no version of Java; set JAVA_HOME to a JDK %d or newer"
              .formatted(version, WANTED));
    }
    return Integer.parseInt(parts.group(1)) >= WANTED
        ? Optional.empty()
        : Optional.of(
            "%s is too old; install a JDK %d or newer (Temurin, for instance) and set JAVA_HOME to it"
                .formatted(version, WANTED));
  }
}
