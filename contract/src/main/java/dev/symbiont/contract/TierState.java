package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.math.BigDecimal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// Whether a tier takes calls. The ledger-writer tells everybody when that changes, and repeats it
/// now and then; it is a hint, for only a grant allows a call.
///
/// @param until when a closed tier is tried again; absent if somebody has to do something first
/// @param reason why it is not open
/// @param utilization how much of the provider's limit is used, from 0 to 1, where it was said
public record TierState(
    String tier,
    Phase phase,
    Instant since,
    @Nullable Instant until,
    @Nullable String reason,
    @Nullable BigDecimal utilization)
    implements Message {

  /// Where a tier is between open and closed.
  public enum Phase implements WireEnum {
    OPEN,

    /// The provider has reported a limit.
    LIMITED,

    /// One call finds out whether the limit is over.
    PROBING,

    /// The program has no valid login.
    UNAUTHENTICATED,

    /// An operator has closed it.
    PAUSED
  }

  @JsonIgnore
  public boolean isOpen() {
    return phase == Phase.OPEN;
  }
}
