package dev.symbiont.contract;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.HexFormat;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/// The text of a key, which only its owner has: `sym_`, the key's id, `_`, 32 random characters
/// (190 bits), and a checksum of all that in 6 characters, by which scanners for lost secrets and
/// gateways tell a key from a typing error without asking anybody.
public final class KeyText {

  private static final Pattern FORM =
      Pattern.compile("(sym_([a-z0-9]{10})_[0-9A-Za-z]{32})([0-9A-Za-z]{6})");
  private static final String LETTERS =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  private static final int ID_LETTERS = 36;
  private static final int ID_LENGTH = 10;
  private static final int SECRET_LENGTH = 32;
  private static final int CHECKSUM_LENGTH = 6;

  private final String text;
  private final String id;

  private KeyText(String text, String id) {
    this.text = text;
    this.id = id;
  }

  /// A new key's.
  public static KeyText draw(RandomGenerator random) {
    return draw(letters(random, ID_LENGTH, ID_LETTERS), random);
  }

  /// Another one for the key with this id.
  public static KeyText draw(String id, RandomGenerator random) {
    String checked = "sym_%s_%s".formatted(id, letters(random, SECRET_LENGTH, LETTERS.length()));
    return new KeyText(checked + checksum(checked), id);
  }

  /// Nothing if it is not the text of any key.
  public static Optional<KeyText> parse(String text) {
    Matcher form = FORM.matcher(text);
    return form.matches() && checksum(form.group(1)).equals(form.group(3))
        ? Optional.of(new KeyText(text, form.group(2)))
        : Optional.empty();
  }

  public String id() {
    return id;
  }

  public String sha256() {
    return HexFormat.of().formatHex(Ids.sha256().digest(text.getBytes(US_ASCII)));
  }

  /// The text itself, for its owner.
  public String reveal() {
    return text;
  }

  /// Not the text: this ends up in logs.
  @Override
  public String toString() {
    return "sym_" + id + "_…";
  }

  private static String letters(RandomGenerator random, int length, int of) {
    var text = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      text.append(LETTERS.charAt(random.nextInt(of)));
    }
    return text.toString();
  }

  private static String checksum(String of) {
    var crc = new CRC32();
    crc.update(of.getBytes(US_ASCII));
    var text = new StringBuilder(CHECKSUM_LENGTH);
    long left = crc.getValue();
    for (int i = 0; i < CHECKSUM_LENGTH; i++) {
      text.insert(0, LETTERS.charAt((int) (left % LETTERS.length())));
      left /= LETTERS.length();
    }
    return text.toString();
  }
}
