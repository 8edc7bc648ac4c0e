package dev.symbiont.ops;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// What the gateway says, as people read it.
final class Shown {

  static final String NONE = "-";

  /// Of a dollar; the ledger has them all.
  private static final int DECIMALS = 6;

  private static final Pattern GAPS = Pattern.compile("[\\p{Cntrl}\\p{Cf}\\p{Zl}\\p{Zp}\\s]+");

  private Shown() {}

  /// One line of text that does nothing to a terminal, whoever wrote it.
  static String line(JsonNode text) {
    return line(text.asString(""));
  }

  static String line(String text) {
    String plain = GAPS.matcher(text).replaceAll(" ").strip();
    return plain.isEmpty() ? NONE : plain;
  }

  /// Text of several lines that does nothing to a terminal but to begin new ones.
  static String lines(String text) {
    return text.replaceAll("[\\p{Cntrl}&&[^\n\t]]", "");
  }

  static String usd(JsonNode amount) {
    return amount.isNumber() ? usd(amount.decimalValue()) : NONE;
  }

  static String usd(BigDecimal amount) {
    return "$" + amount.setScale(DECIMALS, RoundingMode.HALF_UP).toPlainString();
  }

  /// A time without the parts of its second.
  static String second(JsonNode time) {
    return line(time).replaceFirst("\\.\\d+(?=Z)", "");
  }

  /// How long ago that was, or is to come.
  static String age(JsonNode time, Instant now) {
    try {
      return duration(Duration.between(Instant.parse(time.asString("")), now).abs());
    } catch (DateTimeParseException e) {
      return NONE;
    }
  }

  /// In the two largest units at most.
  static String duration(Duration time) {
    if (time.toMinutes() < 1) {
      return time.toSeconds() + "s";
    }
    if (time.toHours() < 1) {
      return "%dm%02ds".formatted(time.toMinutes(), time.toSecondsPart());
    }
    if (time.toDays() < 1) {
      return "%dh%02dm".formatted(time.toHours(), time.toMinutesPart());
    }
    return "%dd%02dh".formatted(time.toDays(), time.toHoursPart());
  }
}
