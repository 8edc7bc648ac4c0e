package dev.symbiont.ledger.arbiter;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallEnded.LimitWarning;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TierState.Phase;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// Whether a tier takes calls, folded from journal entries. Each entry counts with the moment at
/// which it was recorded, so that the journal read again gives the same state.
///
/// A limit closes the tier until it resets. Then one call is a probe: if it gets through, the tier
/// opens; if it meets the limit again, the tier stays closed; if it says nothing about the limit,
/// or takes its time, another one follows.
///
/// @param openings how often it has opened; a call that began before the latest opening says
///   nothing about the tier now
/// @param closure why it is closed by itself; absent if it is not
/// @param failures limits in a row
/// @param probe the call that finds out whether the limit is over
/// @param warning the latest word on how near a limit is
public record TierRecord(
    String tier,
    long openings,
    boolean paused,
    @Nullable Closure closure,
    int failures,
    @Nullable String probe,
    @Nullable Instant probedAt,
    @Nullable LimitWarning warning,
    Instant since) {

  /// What closed a tier.
  ///
  /// @param until when it may be tried again; absent if somebody has to do something first
  public record Closure(Phase phase, @Nullable Instant until, String reason) {}

  /// Not all fleets that share a limit shall come back at once.
  private static final int MOST_JITTER_MILLIS = 500;

  public static TierRecord open(String tier, Instant since) {
    return new TierRecord(tier, 0, false, null, 0, null, null, null, since);
  }

  /// When it may be tried again, if that is a matter of time.
  @JsonIgnore
  public @Nullable Instant opensAt() {
    if (paused || closure == null || closure.until == null) {
      return null;
    }
    return closure.until.plusMillis(
        Math.floorMod((tier + closure.until).hashCode(), MOST_JITTER_MILLIS));
  }

  /// Whether the next call may be a probe.
  ///
  /// @param expiry how long a probe may take before another one follows
  boolean isDue(Instant now, Duration expiry) {
    Instant opensAt = opensAt();
    return opensAt != null
        && !now.isBefore(opensAt)
        && (probedAt == null || !now.isBefore(probedAt.plus(expiry)));
  }

  @JsonIgnore
  boolean takesCalls() {
    return !paused && closure == null;
  }

  /// As everybody is told.
  public TierState state(Instant now) {
    Instant opensAt = opensAt();
    Phase phase = Phase.OPEN;
    String reason = null;
    if (paused) {
      phase = Phase.PAUSED;
      reason = "an operator has paused it; wake it to go on";
    } else if (closure != null) {
      boolean probing = opensAt != null && !now.isBefore(opensAt);
      phase = probing ? Phase.PROBING : closure.phase;
      reason = closure.reason;
    }
    return new TierState(
        tier, phase, since, opensAt, reason, warning == null ? null : warning.utilization());
  }

  /// The share of the configured rate that is used while a limit comes near.
  BigDecimal rateFactor(Instant now, dev.symbiont.contract.Tier.SlowDown slowDown) {
    boolean near =
        warning != null
            && warning.utilization().compareTo(slowDown.at()) >= 0
            && (warning.resetsAt() == null || now.isBefore(warning.resetsAt()));
    return near ? slowDown.factor() : BigDecimal.ONE;
  }

  TierRecord granted(CallGranted call) {
    return call.probe()
        ? new TierRecord(
            tier,
            openings,
            paused,
            closure,
            failures,
            call.callId(),
            call.grantedAt(),
            warning,
            since)
        : this;
  }

  /// @param opening the number of openings when the call was granted
  TierRecord ended(CallEnded call, long opening, Instant now, Backoff backoff) {
    boolean isProbe = call.callId().equals(probe);
    if (opening < openings || (paused && !isProbe)) {
      return this;
    }
    TierRecord next = call.warning() == null ? this : warned(call.warning());
    return switch (call.outcome()) {
      case Outcome.Limited limited -> next.limited(limited, isProbe, call.callId(), now, backoff);
      case Outcome.Unauthenticated it -> {
        var login = new Closure(Phase.UNAUTHENTICATED, null, it.message());
        yield next.closed(login, failures, now);
      }
      case Outcome.Answered _, Outcome.Refused _ ->
          isProbe ? next.opened(now) : closure == null ? next.withFailures(0) : next;
      case Outcome.Overloaded _,
          Outcome.TimedOut _,
          Outcome.Crashed _,
          Outcome.Unreadable _,
          Outcome.Unknown _,
          Outcome.Cancelled _ ->
          isProbe ? next.undecided(call, now, backoff) : next;
    };
  }

  TierRecord set(TierSet set, Instant now) {
    return switch (set.action()) {
      case PAUSE ->
          paused
              ? this
              : new TierRecord(tier, openings, true, closure, failures, null, null, warning, now);
      case WAKE -> {
        var due = closure == null ? null : new Closure(closure.phase, now, closure.reason);
        yield new TierRecord(tier, openings, false, due, 0, null, null, null, now);
      }
    };
  }

  private TierRecord limited(
      Outcome.Limited limit, boolean isProbe, String callId, Instant now, Backoff backoff) {
    Instant until = limit.until();
    boolean isPast = until != null && !until.isAfter(now);
    if (closure != null && !isProbe) {
      // Another call that was under way when it closed; it may know better until when.
      boolean later =
          until != null && !isPast && (closure.until == null || until.isAfter(closure.until));
      return later && closure.phase == Phase.LIMITED
          ? closed(new Closure(Phase.LIMITED, until, limit.message()), failures, since)
          : this;
    }
    if (isPast && failures == 0) {
      return withFailures(1); // over by its own account; a second one will not be believed
    }
    Instant end = until == null || isPast ? now.plus(backoff.after(failures + 1, callId)) : until;
    return closed(new Closure(Phase.LIMITED, end, limit.message()), failures + 1, now);
  }

  /// The probe said nothing about the limit.
  private TierRecord undecided(CallEnded call, Instant now, Backoff backoff) {
    if (closure == null) {
      return this;
    }
    boolean mayGoOnAtOnce = call.outcome() instanceof Outcome.Cancelled;
    Instant until = mayGoOnAtOnce ? now : now.plus(backoff.after(failures + 1, call.callId()));
    return closed(
        new Closure(closure.phase, until, closure.reason),
        mayGoOnAtOnce ? failures : failures + 1,
        since);
  }

  private TierRecord closed(Closure by, int failuresNow, Instant sinceNow) {
    return new TierRecord(tier, openings, paused, by, failuresNow, null, null, warning, sinceNow);
  }

  private TierRecord opened(Instant now) {
    return new TierRecord(tier, openings + 1, paused, null, 0, null, null, warning, now);
  }

  private TierRecord withFailures(int number) {
    return number == failures
        ? this
        : new TierRecord(tier, openings, paused, closure, number, probe, probedAt, warning, since);
  }

  private TierRecord warned(LimitWarning by) {
    return new TierRecord(tier, openings, paused, closure, failures, probe, probedAt, by, since);
  }
}
