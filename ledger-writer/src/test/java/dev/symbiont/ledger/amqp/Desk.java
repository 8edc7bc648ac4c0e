package dev.symbiont.ledger.amqp;

import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Publisher;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.writer.Lag;
import dev.symbiont.ledger.writer.LedgerFiles;
import dev.symbiont.ledger.writer.Queries;
import dev.symbiont.ledger.writer.Writer;
import dev.symbiont.testing.TestBroker;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;

/// A ledger-writer on the test's broker, with all that belongs to it.
final class Desk implements AutoCloseable {

  static final Topology TOPOLOGY = Topology.of(TestBroker.TIERS);

  final Broker broker;
  final Publisher publisher;
  final Hop hop;
  final Writer writer;
  private final LedgerFiles files;
  private final LedgerDesk desk;

  private Desk(TestBroker onBroker, LedgerFiles files, Duration heartbeatEvery) throws IOException {
    this.files = files;
    var clock = InstantSource.fixed(Samples.NOON);
    broker = new Broker(onBroker.address(), "ledger-1", TOPOLOGY);
    publisher = new Publisher(broker);
    hop = new Hop(publisher);
    broker.start();
    writer =
        new Writer(
            files, Samples.TIERS, clock, Samples.RULES, "ledger-1", Lag.NONE, Samples.FIGURES);
    desk =
        new LedgerDesk(broker, hop, Samples.TIERS, files, writer, clock, heartbeatEvery, List.of());
    desk.start();
  }

  static Desk open(TestBroker broker, LedgerFiles files) throws IOException {
    return new Desk(broker, files, Duration.ofMinutes(5));
  }

  static Desk open(TestBroker broker, LedgerFiles files, Duration heartbeatEvery)
      throws IOException {
    return new Desk(broker, files, heartbeatEvery);
  }

  LedgerClient client(String worker) {
    return new LedgerClient(broker, hop, worker);
  }

  /// Made anew, so that it sees what was written last.
  Queries queries() {
    return new Queries(files, InstantSource.fixed(Samples.NOON), List::of, writer::tiers);
  }

  @Override
  public void close() throws IOException {
    desk.close();
    writer.close();
    publisher.close();
    broker.close();
  }
}
