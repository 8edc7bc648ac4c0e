package dev.symbiont.gateway.webhook;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// What a receiver knows us by: `whsec_` and 24 to 64 bytes in Base64.
final class Secret {

  private static final String PREFIX = "whsec_";
  private static final String ALGORITHM = "HmacSHA256";
  private static final int LEAST = 24;
  private static final int MOST = 64;

  private final SecretKeySpec key;

  private Secret(byte[] bytes) {
    this.key = new SecretKeySpec(bytes, ALGORITHM);
  }

  static Secret parse(String text) {
    byte[] bytes = decode(text);
    if (bytes.length < LEAST || bytes.length > MOST) {
      throw new IllegalArgumentException(
          "symbiont.gateway.webhooks.secret: must be whsec_ and %d to %d bytes in Base64, such as whsec_$(openssl rand -base64 32)"
              .formatted(LEAST, MOST));
    }
    return new Secret(bytes);
  }

  /// The header `webhook-signature`.
  String sign(String id, long timestamp, byte[] body) {
    try {
      var mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      mac.update("%s.%d.".formatted(id, timestamp).getBytes(StandardCharsets.UTF_8));
      return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + ALGORITHM, e);
    }
  }

  private static byte[] decode(String text) {
    try {
      return Base64.getDecoder()
          .decode(text.startsWith(PREFIX) ? text.substring(PREFIX.length()) : "");
    } catch (IllegalArgumentException e) {
      return new byte[0];
    }
  }
}
