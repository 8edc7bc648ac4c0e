package dev.symbiont.ops;

import dev.symbiont.hop.Broker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;

/// Looks at what a start needs, so that what is missing is told in one line.
final class Preflight {

  private Preflight() {}

  static void brokerAnswers(URI broker) {
    String problem = Broker.problemWith(broker);
    if (problem != null) {
      throw new SetupException(problem);
    }
  }

  static void portIsFree(URI gateway) {
    try (var socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(
          new InetSocketAddress(InetAddress.getByName(gateway.getHost()), gateway.getPort()));
    } catch (IOException e) {
      throw new SetupException(
          "port %d on %s cannot be used (%s); stop what uses it, or set SYMBIONT_PORT to another"
              .formatted(gateway.getPort(), gateway.getHost(), e.getMessage()));
    }
  }
}
