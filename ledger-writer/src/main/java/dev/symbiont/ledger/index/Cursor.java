package dev.symbiont.ledger.index;

import dev.symbiont.contract.InvalidFieldException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The last row of a page, from which the next one goes on. Rows that are added meanwhile come
/// before it and move nothing.
record Cursor(long number, String id) {

  private static final Pattern FORM = Pattern.compile("(\\d{1,18})\\.(.*)");

  static Cursor parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new InvalidFieldException("cursor", "must be the 'next' of another page");
    }
    return new Cursor(Long.parseLong(matcher.group(1)), matcher.group(2));
  }

  @Override
  public String toString() {
    return number + "." + id;
  }
}
