package dev.symbiont.dispatcher.amqp;

import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.dispatcher.attempt.RunningCalls;
import dev.symbiont.dispatcher.attempt.TierBoard;
import dev.symbiont.hop.LedgerClient;
import java.util.List;

/// What the ledger-writer tells a dispatcher unasked.
public record FromLedger(TierBoard board, RunningCalls running) implements LedgerClient.Listener {

  @Override
  public List<String> keys() {
    return List.of(Topology.ANY_TIER);
  }

  @Override
  public void stop(StopCall call) {
    running.stop(call.callId());
  }

  @Override
  public void tierIs(TierState state) {
    board.put(state);
  }
}
