package dev.symbiont.contract;

/// What a key opens at the gateways.
public enum Scope implements WireEnum {
  /// Submit tasks, and cancel those.
  SUBMIT,

  /// See the tasks that were submitted with the same key, and their calls.
  READ_OWN,

  /// See everything.
  READ_ALL,

  /// Do what an operator does: tiers, dead letters, anybody's tasks.
  OPERATE
}
