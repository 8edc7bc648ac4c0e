package dev.symbiont.dispatcher.amqp;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.PartialText;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.dispatcher.attempt.Ledger;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Parcel;
import dev.symbiont.hop.Publisher;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// The ledger-writer, reached through the broker.
public record LedgerOverAmqp(LedgerClient client, Hop hop, Publisher publisher) implements Ledger {

  @Override
  public String nextRequestId() {
    return client.nextRequestId();
  }

  @Override
  public CompletableFuture<GrantAnswer> ask(GrantRequest request) {
    return client.ask(request);
  }

  @Override
  public void tell(PartialText text) {
    var _ = publisher.publish(Parcel.text(text));
  }

  @Override
  public CompletableFuture<Void> record(CallEnded call) {
    return hop.deliver(List.of(Parcel.step(Topology.CALL_RETRIED, call)));
  }
}
