package dev.symbiont.ledger.writer;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.ledger.Samples;
import java.util.List;

/// The four steps of a task that is answered by its first call.
record Life(RoutedTask routed, CallGranted granted, TaskEnded end) {

  static Life of(String id, String cost) {
    RoutedTask routed = Samples.routed(id);
    CallGranted granted = Samples.granted(Samples.request(routed, id + "/ask", "worker-1"), 1);
    CallEnded call = Samples.answered(granted, cost);
    return new Life(routed, granted, Samples.succeeded(routed, call));
  }

  List<Incoming> happened() {
    return List.of(
        new Incoming.Happened(routed.accepted()),
        new Incoming.Happened(routed),
        new Incoming.Happened(granted),
        new Incoming.Happened(end));
  }
}
