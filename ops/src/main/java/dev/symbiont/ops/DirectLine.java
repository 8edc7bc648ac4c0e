package dev.symbiont.ops;

import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.Broker;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Publisher;
import dev.symbiont.hop.Worker;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;

/// Asks the ledger-writer over the broker, without a gateway: for what only those may do who have
/// the broker's password.
final class DirectLine implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Broker broker;
  private final LedgerClient client;

  DirectLine(Installation installation) {
    URI address = installation.broker();
    Preflight.brokerAnswers(address);
    String name = Worker.start("operator", new SecureRandom()).id();
    broker = new Broker(address, name, Topology.of(List.of()));
    client = new LedgerClient(broker, new Hop(new Publisher(broker)), name);
    broker.start();
  }

  <A extends LedgerAnswer> A ask(BiFunction<String, String, LedgerQuery> query, Class<A> type) {
    try {
      return client.ask(query, type, PATIENCE).join();
    } catch (CompletionException e) {
      throw new SetupException(
          "no ledger-writer has answered within %d s; start one with ./symbiont start ledger, or the fleet with ./symbiont up"
              .formatted(PATIENCE.toSeconds()));
    }
  }

  @Override
  public void close() {
    client.close();
    broker.close();
  }
}
