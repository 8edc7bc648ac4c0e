package dev.symbiont.ops;

import org.jline.utils.WCWidth;

/// How many columns of a terminal text takes: Chinese, Japanese and Korean characters and emoji
/// take two, accents and changes of colour none.
final class Columns {

  private static final String ELLIPSIS = "…";
  private static final char ESCAPE = '\u001b';
  private static final String NO_COLOUR = "\u001b[0m";

  private Columns() {}

  static int of(String text) {
    int width = 0;
    for (int i = 0; i < text.length(); i = next(text, i)) {
      width += at(text, i);
    }
    return width;
  }

  /// As much of it as there is room for; it ends with `…` if that is not all.
  static String cut(String text, int room) {
    if (of(text) <= room) {
      return text;
    }
    if (room < 1) {
      return "";
    }
    int width = 0;
    int end = 0;
    while (width + at(text, end) < room) {
      width += at(text, end);
      end = next(text, end);
    }
    return text.substring(0, end) + ELLIPSIS + (text.indexOf(ESCAPE) < 0 ? "" : NO_COLOUR);
  }

  private static int at(String text, int index) {
    return Math.max(0, WCWidth.wcwidth(text.codePointAt(index)));
  }

  /// After a character, or after a whole change of colour, whose beginning has no width.
  private static int next(String text, int index) {
    if (text.charAt(index) == ESCAPE) {
      int end = text.indexOf('m', index);
      return end < 0 ? text.length() : end + 1;
    }
    return index + Character.charCount(text.codePointAt(index));
  }
}
