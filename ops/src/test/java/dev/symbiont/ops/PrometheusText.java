package dev.symbiont.ops;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a metrics page says, read by the rules of Prometheus' text format.
record PrometheusText(List<Sample> samples) {

  private static final Pattern SAMPLE =
      Pattern.compile(
          "([a-zA-Z_:][\\w:]*)(?:\\{(.*)})? (NaN|[+-]Inf|[-+]?[\\d.]+(?:[eE][-+]?\\d+)?)");
  private static final Pattern LABEL =
      Pattern.compile("([a-zA-Z_]\\w*)=\"((?:[^\"\\\\\n]|\\\\[\"\\\\n])*)\"(?:,|$)");
  private static final Pattern COMMENT =
      Pattern.compile(
          "# (?:HELP ([\\w:]+) .*|TYPE ([\\w:]+) (?:counter|gauge|histogram|summary|untyped))");

  /// One line of it.
  record Sample(String name, Map<String, String> labels, double value) {

    boolean has(String label, String wanted) {
      return wanted.equals(labels.get(label));
    }
  }

  static PrometheusText parse(String page) {
    if (!page.endsWith("\n")) {
      throw new AssertionError("the last line does not end");
    }
    return new PrometheusText(
        page.lines().filter(line -> !isComment(line)).map(PrometheusText::sample).toList());
  }

  /// The sum of all samples of this name that are so.
  double sum(String name, Predicate<Sample> wanted) {
    List<Sample> found = samples.stream().filter(it -> it.name.equals(name)).toList();
    if (found.isEmpty()) {
      throw new AssertionError("there is no " + name);
    }
    return found.stream().filter(wanted).mapToDouble(Sample::value).sum();
  }

  double sum(String name) {
    return sum(name, _ -> true);
  }

  private static boolean isComment(String line) {
    if (line.startsWith("#") && !COMMENT.matcher(line).matches()) {
      throw new AssertionError("no comment: " + line);
    }
    return line.startsWith("#");
  }

  private static Sample sample(String line) {
    Matcher sample = SAMPLE.matcher(line);
    if (!sample.matches()) {
      throw new AssertionError("no sample: " + line);
    }
    String value = Objects.requireNonNull(sample.group(3));
    return new Sample(
        Objects.requireNonNull(sample.group(1)),
        labels(Objects.requireNonNullElse(sample.group(2), "")),
        Double.parseDouble(value.replace("Inf", "Infinity")));
  }

  private static Map<String, String> labels(String text) {
    var labels = new HashMap<String, String>();
    String rest = text;
    while (!rest.isEmpty()) {
      Matcher label = LABEL.matcher(rest);
      if (!label.lookingAt()) {
        throw new AssertionError("no labels: " + text);
      }
      labels.put(label.group(1), label.group(2));
      rest = rest.substring(label.end());
    }
    return labels;
  }
}
