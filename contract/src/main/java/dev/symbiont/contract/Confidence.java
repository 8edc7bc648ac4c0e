package dev.symbiont.contract;

/// How sure the router is of its choice.
public enum Confidence implements WireEnum {
  LOW,
  MEDIUM,
  HIGH
}
