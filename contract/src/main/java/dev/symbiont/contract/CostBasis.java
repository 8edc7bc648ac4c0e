package dev.symbiont.contract;

/// Where the cost of a call comes from.
public enum CostBasis implements WireEnum {
  /// The command line program said so.
  CLI,
  /// Tokens times the tier's price table.
  PRICES,
  /// The call was ended from outside; taken from what it had streamed until then.
  ESTIMATED,
  /// Nothing is known; the amount reserved at the grant stands.
  UNKNOWN
}
