package dev.symbiont.contract;

import java.time.Instant;

/// An operator has opened or closed a tier by hand.
///
/// @param requestId the question by which it was done
public record TierSet(String tier, Action action, String requestId, Instant at) implements Event {

  /// What is done to it.
  public enum Action implements WireEnum {
    /// Try it again now, whatever was known of it.
    WAKE,

    /// No calls until it is woken.
    PAUSE
  }

  public TierSet {
    InvalidFieldException.require("tier", tier);
    InvalidFieldException.require("action", action);
    InvalidFieldException.require("request_id", requestId);
    InvalidFieldException.require("at", at);
  }

  @Override
  public String eventId() {
    return "%s/%s".formatted(requestId, action.wire());
  }
}
