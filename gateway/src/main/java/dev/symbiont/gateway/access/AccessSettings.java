package dev.symbiont.gateway.access;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// Who is let in.
///
/// @param keys whether a key is asked for
/// @param exposed whether everybody may come from everywhere, without a key
/// @param origins of web pages that may call from a browser, such as `https://tools.example.com`
/// @param requestsPerSecond of one key; as many as come if 0
@ConfigurationProperties("symbiont.gateway")
public record AccessSettings(
    @DefaultValue("false") boolean keys,
    @DefaultValue("false") boolean exposed,
    @DefaultValue List<String> origins,
    @DefaultValue("0") int requestsPerSecond) {

  /// Fails if a gateway at this address would let anybody spend money.
  void requireSafe(String address) {
    if (!keys && !exposed && !isLoopback(address)) {
      throw new IllegalArgumentException(
          "symbiont.gateway: '%s' can be reached from elsewhere, so callers need keys: set SYMBIONT_KEYS=true (and make keys with ./symbiont keys create), or SYMBIONT_EXPOSED=true if something else keeps strangers out"
              .formatted(address));
    }
  }

  static boolean isLoopback(String address) {
    try {
      // The server takes an empty address for all of them.
      return !address.isBlank() && InetAddress.getByName(address).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }
}
