package dev.symbiont.dispatcher.provider.claude;

import java.lang.management.ManagementFactory;
import java.time.Duration;

/// How CLI processes are kept for more than one call.
///
/// @param enabled whether they are; otherwise each call is a process that was not started ahead
/// @param most processes of one worker, busy ones included
/// @param calls that one answers before it is replaced
/// @param age after which it is replaced
/// @param idle how long one rests before it is ended
public record WarmSettings(boolean enabled, int most, int calls, Duration age, Duration idle) {

  /// What a resting process of the CLI takes.
  private static final long BYTES = 200L * 1024 * 1024;

  public WarmSettings {
    if (most < 1 || calls < 1 || !age.isPositive() || !idle.isPositive()) {
      throw new IllegalArgumentException(
          "symbiont.dispatcher.warm: most, calls, age and idle must be positive");
    }
  }

  /// So many processes as half of this machine's memory carries.
  public static int mostByMemory() {
    long memory =
        ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
            .getTotalMemorySize();
    return Math.toIntExact(Math.max(1, memory / 2 / BYTES));
  }
}
