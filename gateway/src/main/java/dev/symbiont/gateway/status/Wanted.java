package dev.symbiont.gateway.status;

import dev.symbiont.contract.JsonBounds;
import dev.symbiont.contract.WireEnum;
import dev.symbiont.gateway.Problem;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The parameters of a list. One that is not known is refused: somebody who misspells a filter
/// would else take the whole list for what passed it.
final class Wanted {

  private final Map<String, String> query;

  Wanted(Map<String, String> query, String... known) {
    this.query = query;
    List<String> names = List.of(known);
    query.keySet().stream()
        .filter(it -> !names.contains(it))
        .findFirst()
        .ifPresent(
            it -> {
              throw invalid(it, "is not known; there are " + String.join(", ", names));
            });
  }

  @Nullable String text(String name) {
    String value = query.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  int number(String name, int otherwise, int most) {
    String value = text(name);
    if (value == null) {
      return otherwise;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= 1 && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below, as the others are.
    }
    throw invalid(name, "must be a number from 1 to " + most);
  }

  /// A positive number, which must be there.
  BigDecimal amount(String name) {
    try {
      var amount = new BigDecimal(String.valueOf(text(name)));
      if (amount.signum() > 0 && JsonBounds.problem(amount).isEmpty()) {
        return amount;
      }
    } catch (NumberFormatException e) {
      // Told below, as the others are.
    }
    throw invalid(name, "must be a positive number");
  }

  @Nullable Boolean flag(String name) {
    String value = text(name);
    if (value == null) {
      return null;
    }
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      default -> throw invalid(name, "must be true or false");
    };
  }

  /// A moment, or a day, which is its first moment (UTC).
  @Nullable Instant time(String name) {
    String value = text(name);
    if (value == null) {
      return null;
    }
    try {
      return value.contains("T")
          ? Instant.parse(value)
          : LocalDate.parse(value).atStartOfDay().toInstant(ZoneOffset.UTC);
    } catch (DateTimeParseException e) {
      throw invalid(name, "must be a time such as 2026-01-31T12:00:00Z, or a day");
    }
  }

  @Nullable String label(String name) {
    String value = text(name);
    if (value != null && value.indexOf('=') < 1) {
      throw invalid(name, "must be name=value");
    }
    return value;
  }

  <E extends Enum<E> & WireEnum> @Nullable E oneOf(String name, E[] values) {
    String value = text(name);
    if (value == null) {
      return null;
    }
    return Arrays.stream(values)
        .filter(it -> it.wire().equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                invalid(
                    name,
                    "must be one of "
                        + Arrays.stream(values)
                            .map(WireEnum::wire)
                            .collect(Collectors.joining(", "))));
  }

  static Problem invalid(String name, String detail) {
    return Problem.invalid(name + ": " + detail, name);
  }
}
