package dev.symbiont.gateway;

import dev.symbiont.contract.PartialText;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.hop.LedgerClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// The answers that callers at this gateway watch while they come. Only what is watched is sent
/// here: a dispatcher's words go to nobody while nobody listens.
public final class Texts implements LedgerClient.Listener {

  private final Map<String, List<Follower>> followers = new ConcurrentHashMap<>();

  /// Somebody who watches one task.
  public final class Follower implements AutoCloseable {

    private final BlockingQueue<Optional<PartialText>> pieces = new LinkedBlockingQueue<>();
    private final String taskId;
    private final LedgerClient.Hearing hearing;

    private Follower(String taskId, LedgerClient.Hearing hearing) {
      this.taskId = taskId;
      this.hearing = hearing;
    }

    /// The next piece; empty if none comes in this time, or [#wake()] was called.
    public Optional<PartialText> next(Duration patience) throws InterruptedException {
      Optional<PartialText> piece = pieces.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
      return piece == null ? Optional.empty() : piece;
    }

    /// Lets the one who waits look around.
    public void wake() {
      pieces.add(Optional.empty());
    }

    @Override
    public void close() {
      followers.computeIfPresent(
          taskId, (_, all) -> all.remove(this) && all.isEmpty() ? null : all);
      hearing.close();
    }
  }

  public Follower follow(String taskId, LedgerClient ledger) {
    var follower = new Follower(taskId, ledger.hear(Topology.textKey(taskId)));
    followers.compute(
        taskId,
        (_, all) -> {
          List<Follower> some = all == null ? new CopyOnWriteArrayList<>() : all;
          some.add(follower);
          return some;
        });
    return follower;
  }

  @Override
  public void textIs(PartialText text) {
    followers
        .getOrDefault(text.taskId(), List.of())
        .forEach(it -> it.pieces.add(Optional.of(text)));
  }
}
