package dev.symbiont.ledger.journal;

/// A line of a [ChainedLog] with its place.
///
/// @param number counted from 1
/// @param bytes the whole line without its end
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Line(long number, Span span, byte[] bytes) {}
