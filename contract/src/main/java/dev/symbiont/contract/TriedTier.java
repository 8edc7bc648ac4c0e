package dev.symbiont.contract;

import java.math.BigDecimal;

/// A tier that a task has been to without an answer: the outcome only, never its text.
///
/// @param outcome of the last call, or `closed` or `over_budget` if there was none
/// @param waits how often the task had waited for a tier before
public record TriedTier(
    String tier, String outcome, String message, BigDecimal costUsd, int waits) {}
