package dev.symbiont.contract;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.random.RandomGenerator;

/// Ids of tasks and workers. Ids of events and calls are derived from them.
public final class Ids {

  private static final int KEY_DIGITS = 32;

  private Ids() {}

  /// A new task's id: `prefix`, the second it was made, and 64 random bits.
  public static String draw(String prefix, Instant now, RandomGenerator random) {
    return "%s-%s-%s"
        .formatted(
            prefix,
            Long.toString(now.getEpochSecond()),
            HexFormat.of().toHexDigits(random.nextLong()));
  }

  /// The id of the task that this caller names by this key, however often it is asked for.
  public static String ofKey(String prefix, String caller, String key) {
    var digest = sha256().digest((caller + '\n' + key).getBytes(StandardCharsets.UTF_8));
    return prefix + "-" + HexFormat.of().formatHex(digest).substring(0, KEY_DIGITS);
  }

  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
