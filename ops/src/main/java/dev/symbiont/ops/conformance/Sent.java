package dev.symbiont.ops.conformance;

/// A message that the broker has taken from us.
///
/// @param correlationId by which its result and its dead letter are recognised
/// @param id the task's, as the body says; empty if it says none
@SuppressWarnings("ArrayRecordComponent") // never compared, and not copied on the way
record Sent(String correlationId, String id, byte[] body) {}
