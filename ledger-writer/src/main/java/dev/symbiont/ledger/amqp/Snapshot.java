package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.WorkerBeat;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/// A line of `heartbeat.jsonl`.
///
/// @param status `healthy`, or what is wrong
/// @param gateway whether a gateway gave a sign of life
/// @param ledgerWritable whether the last write to the journal succeeded
/// @param queues messages ready in each queue
/// @param ledger the head of the ledger, so that lines cut off later show
record Snapshot(
    Instant timestamp,
    String status,
    boolean broker,
    boolean gateway,
    boolean ledgerWritable,
    long diskFreeBytes,
    Map<String, Long> queues,
    List<WorkerBeat> workers,
    Head ledger) {

  /// How many lines the ledger has, and the hash of the last.
  record Head(long lines, String hash) {}
}
