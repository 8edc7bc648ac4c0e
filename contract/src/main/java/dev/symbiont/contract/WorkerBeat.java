package dev.symbiont.contract;

import java.time.Instant;
import java.util.List;

/// A sign of life of a running part.
///
/// @param worker drawn once per process, so that a restarted one is another worker
/// @param running ids of the calls it is making
public record WorkerBeat(
    String worker, String role, Instant startedAt, Instant at, Phase phase, List<String> running)
    implements Message {

  /// Where a worker is in its life.
  public enum Phase implements WireEnum {
    STARTED,
    HEARTBEAT,
    STOPPED
  }
}
