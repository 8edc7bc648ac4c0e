package dev.symbiont.ledger.writer;

import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.WorkerBeat;
import org.jspecify.annotations.Nullable;

/// What the writer is handed.
public sealed interface Incoming {

  /// Something happened to a task.
  ///
  /// @param json the step as it came, if it came from somebody else
  @SuppressWarnings("ArrayRecordComponent") // never compared, and not copied on the way
  record Happened(Step step, byte @Nullable [] json) implements Incoming {

    public Happened(Step step) {
      this(step, null);
    }
  }

  /// May a call be made?
  record Asked(GrantRequest request) implements Incoming {}

  /// A worker is alive.
  record Beat(WorkerBeat beat) implements Incoming {}

  /// Keep a task from being called.
  record Cancellation(LedgerQuery.Cancel query) implements Incoming {}

  /// Open or close a tier by hand.
  record TierSetting(LedgerQuery.SetTier query) implements Incoming {}

  /// Make, change or revoke a key.
  record KeySetting(LedgerQuery.SetKey query) implements Incoming {}

  /// Time has passed.
  record Tick() implements Incoming {}

  /// Send on again what was set aside.
  record Replay(LedgerQuery.Replay query) implements Incoming {}

  /// Leave it set aside for good.
  record Discard(LedgerQuery.Discard query) implements Incoming {}
}
