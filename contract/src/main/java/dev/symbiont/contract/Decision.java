package dev.symbiont.contract;

import java.math.BigDecimal;

/// The router's choice for a task, with its reason and what the choosing cost.
public record Decision(
    String tier, Confidence confidence, String reason, DecidedBy decidedBy, BigDecimal costUsd) {}
