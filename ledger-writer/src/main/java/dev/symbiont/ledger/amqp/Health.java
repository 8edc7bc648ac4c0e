package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.WorkerBeat;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.hop.Broker;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.ChainedLog.Mark;
import dev.symbiont.ledger.journal.DamagedLogException;
import dev.symbiont.ledger.journal.OwnerOnly;
import dev.symbiont.ledger.writer.LedgerFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Looks at the fleet from where the ledger stands, and writes down what it sees.
final class Health {

  private static final Logger log = LoggerFactory.getLogger(Health.class);

  private final Broker broker;
  private final List<String> queues;
  private final LedgerFiles files;
  private final InstantSource clock;
  private volatile @Nullable String writeProblem;
  private volatile @Nullable String damage;
  private volatile @Nullable Instant last;

  Health(Broker broker, Topology topology, LedgerFiles files, InstantSource clock) {
    this.broker = broker;
    this.queues = topology.queues().stream().map(Topology.Queue::name).toList();
    this.files = files;
    this.clock = clock;
  }

  /// Notes how the last write to the journal went; nothing if well.
  void wrote(@Nullable String problem) {
    writeProblem = problem;
  }

  boolean isWritable() {
    return writeProblem == null;
  }

  /// Reads the sealed files, which nobody reads on start, and says if one of them was changed.
  void verify() {
    try {
      for (Path file : List.of(files.journal(), files.ledger())) {
        ChainedLog.verifySealed(file);
      }
    } catch (DamagedLogException e) {
      damage = e.getMessage();
      log.error("{}", damage);
    } catch (IOException e) {
      log.error("the sealed files cannot be read: {}", e.toString());
    }
  }

  @Nullable Instant last() {
    return last;
  }

  /// Takes a snapshot and appends it to `heartbeat.jsonl`.
  Snapshot take(List<WorkerBeat> workers, Mark head) throws IOException {
    Map<String, Long> depths = broker.depths(queues);
    long free = Files.getFileStore(files.folder()).getUsableSpace();
    boolean gateway = workers.stream().anyMatch(it -> it.role().equals("gateway"));
    var problems = new ArrayList<String>();
    if (depths.isEmpty()) {
      problems.add("the broker does not answer");
    }
    if (!gateway) {
      problems.add("no gateway");
    }
    if (damage != null) {
      problems.add(damage);
    }
    if (writeProblem != null) {
      problems.add("the ledger cannot be written: " + writeProblem);
    }
    Instant now = clock.instant();
    var snapshot =
        new Snapshot(
            now,
            problems.isEmpty() ? "healthy" : String.join("; ", problems),
            !depths.isEmpty(),
            gateway,
            writeProblem == null,
            free,
            depths,
            workers,
            new Snapshot.Head(head.lines(), head.head()));
    append(snapshot);
    last = now;
    return snapshot;
  }

  private void append(Snapshot snapshot) throws IOException {
    byte[] line = Codec.mapper().writeValueAsBytes(snapshot);
    var bytes = ByteBuffer.allocate(line.length + 1).put(line).put((byte) '\n').flip();
    try (FileChannel channel =
        FileChannel.open(
            files.heartbeats(),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
            OwnerOnly.ATTRIBUTE)) {
      channel.write(bytes);
      channel.force(false);
    }
  }
}
