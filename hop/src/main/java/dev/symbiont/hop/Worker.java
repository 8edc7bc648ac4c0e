package dev.symbiont.hop;

import java.util.random.RandomGenerator;

/// One running part. Its id is drawn once per process, so that a restarted part is another worker.
public record Worker(String id, String role) {

  public static Worker start(String role, RandomGenerator random) {
    return new Worker("%s-%08x".formatted(role, random.nextInt()), role);
  }
}
