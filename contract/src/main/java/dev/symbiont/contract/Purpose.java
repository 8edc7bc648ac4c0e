package dev.symbiont.contract;

/// What a call is for.
public enum Purpose implements WireEnum {
  TASK,
  CLASSIFICATION
}
