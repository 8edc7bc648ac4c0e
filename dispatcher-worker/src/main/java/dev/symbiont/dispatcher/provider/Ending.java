package dev.symbiont.dispatcher.provider;

import dev.symbiont.contract.CallEnded.LimitWarning;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Usage;
import org.jspecify.annotations.Nullable;

/// What came back from a call.
///
/// @param simulated whether the program said that it made everything up
/// @param warning what the program said about a limit that comes near, if it said anything
public record Ending(
    Outcome outcome, Usage usage, boolean simulated, @Nullable LimitWarning warning) {

  public Ending(Outcome outcome, Usage usage, boolean simulated) {
    this(outcome, usage, simulated, null);
  }
}
