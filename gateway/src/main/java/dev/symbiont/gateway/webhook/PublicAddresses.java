package dev.symbiont.gateway.webhook;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;

/// Finds the addresses of a name, and refuses those that are not everybody's: a task must not make
/// the gateway talk to what only the gateway can reach. The connection is made to the very address
/// that was looked at, so a name that changes its mind in between gains nothing.
final class PublicAddresses implements DnsResolver {

  private static final int BYTE = 0xff;
  private static final int NAT64_PREFIX = 12;

  /// Blocks that are not reached from everywhere, beside those that [InetAddress] knows: first
  /// address and length of the prefix.
  private static final String[] RESERVED = {
    "0.0.0.0/8",
    "100.64.0.0/10",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7"
  };

  @Override
  public InetAddress[] resolve(String host) throws UnknownHostException {
    InetAddress[] all = SystemDefaultDnsResolver.INSTANCE.resolve(host);
    for (InetAddress address : all) {
      if (!isPublic(address)) {
        throw new UnknownHostException(
            "%s is %s, which is a private or reserved address"
                .formatted(host, address.getHostAddress()));
      }
    }
    return all;
  }

  @Override
  public String resolveCanonicalHostname(String host) {
    return host;
  }

  static boolean isPublic(InetAddress address) throws UnknownHostException {
    byte[] bytes = address.getAddress();
    if (address instanceof Inet6Address) {
      if (startsWith(
              bytes, InetAddress.getByName("64:ff9b::").getAddress(), NAT64_PREFIX * Byte.SIZE)
          || startsWith(bytes, new byte[NAT64_PREFIX], NAT64_PREFIX * Byte.SIZE)) {
        // An address of the older kind inside one of the newer.
        return !address.isLoopbackAddress()
            && !address.isAnyLocalAddress()
            && isPublic(
                InetAddress.getByAddress(Arrays.copyOfRange(bytes, NAT64_PREFIX, bytes.length)));
      }
    }
    if (address.isAnyLocalAddress()
        || address.isLoopbackAddress()
        || address.isLinkLocalAddress()
        || address.isSiteLocalAddress()
        || address.isMulticastAddress()) {
      return false;
    }
    for (String block : RESERVED) {
      int slash = block.indexOf('/');
      byte[] prefix = InetAddress.getByName(block.substring(0, slash)).getAddress();
      if (prefix.length == bytes.length
          && startsWith(bytes, prefix, Integer.parseInt(block.substring(slash + 1)))) {
        return false;
      }
    }
    return true;
  }

  private static boolean startsWith(byte[] bytes, byte[] prefix, int bits) {
    for (int bit = 0; bit < bits; bit++) {
      int mask = 1 << (Byte.SIZE - 1 - bit % Byte.SIZE);
      if (((bytes[bit / Byte.SIZE] ^ prefix[bit / Byte.SIZE]) & BYTE & mask) != 0) {
        return false;
      }
    }
    return true;
  }
}
