package dev.symbiont.bench;

/// One figure and what it is compared with, both taken in the same run.
///
/// @param figure what Symbiont does
/// @param denominator what the broker, the machine or a peer does
/// @param ratio of the two, as the bar has it
record Sample(double figure, double denominator, double ratio) {

  static Sample of(double figure, double denominator) {
    return new Sample(figure, denominator, figure / denominator);
  }

  /// A figure whose bar is a number of its own.
  static Sample of(double figure) {
    return new Sample(figure, Double.NaN, figure);
  }
}
