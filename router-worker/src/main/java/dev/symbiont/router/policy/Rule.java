package dev.symbiont.router.policy;

import java.util.regex.Pattern;

/// A prompt in which the pattern is found goes to the tier.
public record Rule(Pattern pattern, String tier) {}
