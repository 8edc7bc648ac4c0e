package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.Calls;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.Parcel;
import dev.symbiont.ledger.arbiter.TaskRecord;
import dev.symbiont.ledger.index.Index;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.writer.LedgerFiles;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Holds what is written down against itself and against the queues. Changes nothing unless it is
/// asked to publish again.
final class Reconciliation {

  private static final int MOST_SHOWN = 1_000;
  private static final int DEAREST = 10;

  /// A message this young is on its way.
  private static final Duration ON_ITS_WAY = Duration.ofSeconds(30);

  private final LedgerFiles files;
  private final Index index;
  private final Broker broker;
  private final Hop hop;
  private final InstantSource clock;

  /// The message that moves a task on, and where it waits.
  private record Waiting(String taskId, String queue, Parcel message) {}

  Reconciliation(LedgerFiles files, Index index, Broker broker, Hop hop, InstantSource clock) {
    this.files = files;
    this.index = index;
    this.broker = broker;
    this.hop = hop;
    this.clock = clock;
  }

  LedgerAnswer.Reconcile answer(LedgerQuery.Reconcile query) throws IOException {
    List<Waiting> stranded = stranded();
    if (query.redrive()) {
      hop.deliver(stranded.stream().map(Waiting::message).toList()).join();
    }
    var byBasis = new TreeMap<String, BigDecimal>();
    BigDecimal ledgerCost = sumLedger(byBasis);
    return new LedgerAnswer.Reconcile(
        query.requestId(),
        shown(index.beginningsWithoutEnds()),
        shown(index.endsWithoutBeginnings()),
        shown(index.answeredTwice()),
        shown(stranded.stream().map(Waiting::taskId).toList()),
        query.redrive() ? stranded.size() : 0,
        index.callsPerTask(),
        dearest(),
        byBasis,
        ledgerCost,
        index.callsBy("model", null).values().stream()
            .map(Calls::cost)
            .reduce(BigDecimal.ZERO, BigDecimal::add));
  }

  /// Tasks whose next message lies in a queue that is empty. A worker may hold it unsettled, so
  /// this can name too many; publishing such a message again is harmless, because the second copy
  /// gets no grant.
  private List<Waiting> stranded() throws IOException {
    var depths = new HashMap<String, Long>();
    var stranded = new ArrayList<Waiting>();
    for (TaskRecord task : index.openTasks()) {
      if (task.latest() == null || task.calls().stream().anyMatch(it -> it.isOpen())) {
        continue;
      }
      Entry latest = Entry.read(ChainedLog.read(files.journal(), task.latest()));
      if (latest.recordedAt().plus(ON_ITS_WAY).isAfter(clock.instant())) {
        continue;
      }
      Optional<Waiting> waiting = waiting(latest);
      if (waiting.isPresent() && depth(waiting.get().queue(), depths) == 0) {
        stranded.add(waiting.get());
      }
    }
    return stranded;
  }

  private long depth(String queue, Map<String, Long> known) {
    return known.computeIfAbsent(
        queue, it -> broker.depths(List.of(it)).getOrDefault(it, Long.MAX_VALUE));
  }

  private static Optional<Waiting> waiting(Entry latest) {
    return Optional.ofNullable(
        switch (latest.step()) {
          case AcceptedTask task -> {
            var priority = task.task().priority();
            yield new Waiting(
                task.taskId(),
                Topology.inbox(priority),
                Parcel.step(Topology.acceptedKey(priority), task));
          }
          case Classification it ->
              new Waiting(
                  it.taskId(),
                  Topology.tier(it.tier(), it.priority()),
                  Parcel.step(Topology.classifyKey(it.tier(), it.priority()), it));
          case RoutedTask it ->
              new Waiting(
                  it.taskId(),
                  Topology.tier(it.tier(), it.priority()),
                  Parcel.step(Topology.routedKey(it.tier(), it.priority()), it));
          case CallEnded it ->
              new Waiting(
                  it.taskId(), Topology.CLASSIFIED, Parcel.step(Topology.CALL_CLASSIFIED, it));
          default -> null;
        });
  }

  /// Adds the file up, line by line: a line with the call id of an earlier one replaces it, which
  /// happens only to calls whose end was not known at first.
  private BigDecimal sumLedger(Map<String, BigDecimal> byBasis) throws IOException {
    var unknown = new HashMap<String, LedgerLine>();
    ChainedLog.verify(
        files.ledger(),
        line -> {
          LedgerLine call = Codec.read(line.bytes(), LedgerLine.class);
          LedgerLine replaced = unknown.remove(call.callId());
          if (replaced != null) {
            byBasis.merge(
                replaced.costBasis().wire(), replaced.estimatedCostUsd().negate(), BigDecimal::add);
          }
          if (call.outcome().equals("unknown")) {
            unknown.put(call.callId(), call);
          }
          byBasis.merge(call.costBasis().wire(), call.estimatedCostUsd(), BigDecimal::add);
        });
    return byBasis.values().stream().reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  private Map<String, BigDecimal> dearest() {
    var dearest = new LinkedHashMap<String, BigDecimal>();
    index.dearest(DEAREST).forEach(task -> dearest.put(task.id(), task.costUsd()));
    return dearest;
  }

  private static List<String> shown(List<String> all) {
    return all.subList(0, Math.min(all.size(), MOST_SHOWN));
  }
}
