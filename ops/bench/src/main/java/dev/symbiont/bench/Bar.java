package dev.symbiont.bench;

/// What a ratio must reach, or must not exceed.
record Bar(boolean least, double value) {

  /// The figure is only shown.
  static final Bar NONE = atMost(Double.POSITIVE_INFINITY);

  static Bar atLeast(double value) {
    return new Bar(true, value);
  }

  static Bar atMost(double value) {
    return new Bar(false, value);
  }

  boolean met(double ratio) {
    return least ? ratio >= value : ratio <= value;
  }

  @Override
  public String toString() {
    if (equals(NONE)) {
      return "";
    }
    return (least ? "≥ " : "≤ ") + Table.number(value);
  }
}
