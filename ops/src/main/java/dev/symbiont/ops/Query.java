package dev.symbiont.ops;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// A path of the gateway's, and what is asked of it.
final class Query {

  private final StringBuilder text;
  private char next = '?';

  private Query(String path) {
    this.text = new StringBuilder(path);
  }

  static Query of(String path) {
    return new Query(path);
  }

  /// A task, whatever its id is made of.
  static String task(String id) {
    return "/tasks/" + encoded(id);
  }

  /// Leaves out what is absent.
  Query with(String name, @Nullable Object value) {
    if (value != null) {
      text.append(next).append(name).append('=').append(encoded(value.toString()));
      next = '&';
    }
    return this;
  }

  @Override
  public String toString() {
    return text.toString();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
