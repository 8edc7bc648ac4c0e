package dev.symbiont.contract;

import java.time.Instant;

/// An operator has made, changed or revoked a key: this is how it stands now. Gateways are told the
/// same.
///
/// @param requestId the question by which it was done
public record KeySet(AccessKey key, String requestId, Instant at) implements Event {

  public KeySet {
    InvalidFieldException.require("key", key);
    InvalidFieldException.require("request_id", requestId);
    InvalidFieldException.require("at", at);
  }

  @Override
  public String eventId() {
    return requestId + "/key";
  }
}
