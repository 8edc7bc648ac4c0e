package dev.symbiont.contract;

/// What the journal records.
public sealed interface Event extends Message permits Step, TierSet, KeySet {

  /// Derived from task, step and number, never drawn: a repeated message has the id of the first.
  String eventId();
}
