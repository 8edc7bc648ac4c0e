package dev.symbiont.ledger.arbiter;

import dev.symbiont.contract.Priority;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Counts the calls of one tier that began within a period, and tells workers for whom there was no
/// room when to come again, each at another time.
///
/// Counts by a clock that nobody sets. A grant is a little older than its call, so the period is
/// taken [#slack(Duration)] longer, and a call that cannot begin within that time must not begin.
final class RateWindow {

  private static final long SLACK_PART = 20;
  private static final Duration MOST_SLACK = Duration.ofSeconds(1);

  /// Whoever has not come again this long after its time will not come.
  private static final Duration GONE_AFTER = Duration.ofSeconds(2);

  private final Deque<Long> starts = new ArrayDeque<>();
  private final Map<String, Waiting> waiting = new LinkedHashMap<>();
  private long arrivals;

  private record Waiting(Priority priority, long arrival, long until) {

    static final Comparator<Waiting> ORDER =
        Comparator.comparing(Waiting::priority).thenComparingLong(Waiting::arrival);
  }

  /// How much later than its grant a call may begin.
  static Duration slack(Duration period) {
    Duration part = period.dividedBy(SLACK_PART);
    return part.compareTo(MOST_SLACK) < 0 ? part : MOST_SLACK;
  }

  /// How long `asker` has to wait for a call; empty if there is room for it now.
  Optional<Duration> wait(
      String asker, Priority priority, int calls, Duration period, long nanoTime) {
    long length = length(period);
    forget(length, nanoTime);
    if (starts.size() < calls) {
      waiting.remove(asker);
      return Optional.empty();
    }
    Waiting before = waiting.remove(asker);
    var me = new Waiting(priority, before == null ? arrivals++ : before.arrival, 0);
    long ahead = waiting.values().stream().filter(it -> Waiting.ORDER.compare(it, me) < 0).count();
    long until = freeAt((int) ahead, calls, length);
    waiting.put(asker, new Waiting(priority, me.arrival, until));
    return Optional.of(Duration.ofNanos(Math.max(1, until - nanoTime)));
  }

  /// A call begins.
  void add(long nanoTime) {
    starts.addLast(nanoTime);
  }

  int used(Duration period, long nanoTime) {
    forget(length(period), nanoTime);
    return starts.size();
  }

  private static long length(Duration period) {
    return period.plus(slack(period)).toNanos();
  }

  private void forget(long length, long nanoTime) {
    while (!starts.isEmpty() && nanoTime - starts.getFirst() >= length) {
      starts.removeFirst();
    }
    waiting.values().removeIf(it -> nanoTime - it.until > GONE_AFTER.toNanos());
  }

  /// When there is room for one more behind `ahead` others. A call begins when the one that is
  /// `calls` places before it leaves the window; of those that have not begun that is true as well.
  private long freeAt(int ahead, int calls, long length) {
    Long[] begun = starts.toArray(Long[]::new);
    int place = begun.length - calls + ahead;
    long lengths = 1;
    while (place >= begun.length) {
      place -= calls;
      lengths++;
    }
    return begun[place] + lengths * length;
  }
}
