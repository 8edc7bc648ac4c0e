package dev.symbiont.dispatcher.amqp;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.Tiers;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.dispatcher.attempt.RunningCalls;
import dev.symbiont.dispatcher.attempt.TierBoard;
import dev.symbiont.hop.Hop;
import dev.symbiont.hop.LedgerClient;
import dev.symbiont.hop.Parcel;
import java.time.InstantSource;
import java.util.List;

/// What the ledger-writer tells a dispatcher unasked.
public record FromLedger(
    TierBoard board, RunningCalls running, Tiers tiers, Hop hop, InstantSource clock)
    implements LedgerClient.Listener {

  @Override
  public List<String> keys() {
    return List.of(Topology.ANY_TIER);
  }

  @Override
  public void stop(StopCall call) {
    running.stop(call.callId());
  }

  @Override
  public void grantedLate(GrantRequest request, GrantAnswer.Granted grant) {
    String model = tiers.find(request.tier()).map(Tier::model).orElse(request.tier());
    var end =
        CallEnded.neverMade(
            request, grant.callId(), model, clock.instant(), "the grant came after another answer");
    var _ = hop.deliver(List.of(Parcel.step(Topology.CALL_RETRIED, end)));
  }

  @Override
  public void tierIs(TierState state) {
    board.put(state);
  }
}
