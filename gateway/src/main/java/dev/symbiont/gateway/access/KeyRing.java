package dev.symbiont.gateway.access;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.KeySet;
import dev.symbiont.contract.KeyText;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.LedgerClient;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// The keys as this gateway knows them, so that nobody is asked for each request. The ledger-writer
/// has them, and tells every gateway of each change; after a reconnect they are all asked for, as
/// something may have been missed. While no ledger-writer is up nobody can change them.
public final class KeyRing implements LedgerClient.Listener {

  /// Until it is answered, the question is asked again by the client.
  private static final Duration PATIENCE = Duration.ofDays(1);

  private final Map<String, AccessKey> keys = new ConcurrentHashMap<>();
  private final InstantSource clock;
  private volatile boolean known;

  public KeyRing(InstantSource clock) {
    this.clock = clock;
  }

  /// Whether the ledger-writer has told them at all since this gateway began.
  boolean isKnown() {
    return known;
  }

  /// The key that this text opens with.
  Optional<AccessKey> find(String text) {
    return KeyText.parse(text)
        .flatMap(
            it ->
                Optional.ofNullable(keys.get(it.id()))
                    .filter(key -> key.opens(it, clock.instant())));
  }

  /// Whether what a key had opened is still open.
  public boolean stillHolds(Caller caller) {
    AccessKey key = caller.key() == null ? null : keys.get(caller.key().id());
    return caller.key() == null || (key != null && !key.isRevoked());
  }

  @Override
  public List<String> keys() {
    return List.of(Topology.KEY_SET);
  }

  @Override
  public void keyIs(KeySet set) {
    take(set.key());
  }

  @Override
  public void reconnected(LedgerClient ledger) {
    var _ =
        ledger
            .ask(LedgerQuery.Keys::new, LedgerAnswer.Keys.class, PATIENCE)
            .thenAccept(
                answer -> {
                  answer.keys().forEach(this::take);
                  known = true;
                });
  }

  /// An answer can be older than what was told meanwhile.
  private void take(AccessKey key) {
    keys.merge(key.id(), key, (old, now) -> now.version() > old.version() ? now : old);
  }
}
