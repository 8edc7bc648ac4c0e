package dev.symbiont.contract;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// An enum whose constants are written in lower case on the wire.
public interface WireEnum {

  String name();

  @JsonValue
  default String wire() {
    return name().toLowerCase(Locale.ROOT);
  }
}
