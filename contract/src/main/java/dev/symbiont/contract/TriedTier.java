package dev.symbiont.contract;

import java.math.BigDecimal;

/// A tier that a task has been to without an answer: the outcome only, never its text.
public record TriedTier(String tier, String outcome, String message, BigDecimal costUsd) {}
