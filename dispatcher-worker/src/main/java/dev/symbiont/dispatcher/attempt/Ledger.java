package dev.symbiont.dispatcher.attempt;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.PartialText;
import java.util.concurrent.CompletableFuture;

/// The ledger-writer, as an attempt sees it.
public interface Ledger {

  /// A request id that nobody else uses.
  String nextRequestId();

  /// Completes when the ledger-writer answers, however long that takes.
  CompletableFuture<GrantAnswer> ask(GrantRequest request);

  /// Tells whoever listens. It may get lost.
  void tell(PartialText text);

  /// Records the end of a call after which the same attempt goes on. Completes when that is
  /// certain.
  CompletableFuture<Void> record(CallEnded call);
}
