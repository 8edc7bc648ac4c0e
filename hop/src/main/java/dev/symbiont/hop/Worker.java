package dev.symbiont.hop;

import java.util.random.RandomGenerator;

/// One running part. Its id names its process, and is drawn once for it, so that a restarted part
/// is another worker.
public record Worker(String id, String role) {

  public static Worker start(String role, RandomGenerator random) {
    return new Worker(
        "%s-%d-%08x".formatted(role, ProcessHandle.current().pid(), random.nextInt()), role);
  }
}
