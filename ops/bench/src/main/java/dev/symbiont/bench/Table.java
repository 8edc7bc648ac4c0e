package dev.symbiont.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/// The samples of all runs, and their medians as a table.
final class Table {

  private static final String HEAD =
      """
      | measure | Symbiont | beside | ratio | bar | |
      | --- | ---: | ---: | ---: | ---: | --- |
      """;
  private static final double LARGE = 100;
  private static final double MIDDLING = 10;

  private final Map<Measure, List<Sample>> samples = new LinkedHashMap<>();

  /// @param units of the figure and of what it is compared with
  private record Measure(String name, String units, Bar bar) {}

  void add(String name, String units, Bar bar, Sample sample) {
    System.out.printf("  %s: %s %s%n", name, number(sample.figure()), units);
    samples.computeIfAbsent(new Measure(name, units, bar), _ -> new ArrayList<>()).add(sample);
  }

  /// In the form of a Markdown table.
  String markdown() {
    return samples.entrySet().stream()
        .map(it -> row(it.getKey(), it.getValue()))
        .collect(Collectors.joining("\n", HEAD, "\n"));
  }

  private static String row(Measure measure, List<Sample> all) {
    double ratio = median(all, Sample::ratio);
    double denominator = median(all, Sample::denominator);
    return "| %s | %s %s | %s | %s | %s | %s |"
        .formatted(
            measure.name,
            number(median(all, Sample::figure)),
            measure.units,
            Double.isNaN(denominator) ? "" : number(denominator) + " " + measure.units,
            number(ratio),
            measure.bar,
            measure.bar.equals(Bar.NONE) ? "" : measure.bar.met(ratio) ? "met" : "**missed**");
  }

  static double median(List<Sample> samples, ToDoubleFunction<Sample> of) {
    double[] sorted = samples.stream().mapToDouble(of).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  static String number(double number) {
    String format =
        Math.abs(number) >= LARGE ? "%,.0f" : Math.abs(number) >= MIDDLING ? "%.1f" : "%.2f";
    return String.format(Locale.ROOT, format, number);
  }
}
