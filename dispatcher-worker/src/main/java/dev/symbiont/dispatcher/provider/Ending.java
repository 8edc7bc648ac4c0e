package dev.symbiont.dispatcher.provider;

import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Usage;

/// What came back from a call.
///
/// @param simulated whether the program said that it made everything up
public record Ending(Outcome outcome, Usage usage, boolean simulated) {}
