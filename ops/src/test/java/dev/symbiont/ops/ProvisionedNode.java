package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// A broker node of the test's own on which each role has a user of its own, in a virtual host of
/// their own. All of it goes with the node.
record ProvisionedNode(OwnNode node, URI operator, Path folder) implements AutoCloseable {

  private static final String VHOST = "fleet";

  static ProvisionedNode start(Path folder) throws IOException, InterruptedException {
    OwnNode node = OwnNode.in(Files.createDirectory(folder.resolve("broker")));
    var operator = URI.create(node.start() + "/" + VHOST);
    var started = new ProvisionedNode(node, operator, folder);
    started.writeDefinitions();
    started.importDefinitions();
    node.control("set_permissions", "-p", VHOST, "symbiont", ".*", ".*", ".*");
    return started;
  }

  void writeDefinitions() throws IOException, InterruptedException {
    String host = operator.getHost() + ":" + operator.getPort();
    String[] command = {
      "definitions", "--out", definitions().toString(), "--vhost", VHOST, "--host", host
    };
    try (var process = SymbiontProcess.start(folder, Map.of(), command)) {
      assertThat(process.awaitExit()).as(process.output()).isZero();
    }
  }

  /// In the node's own folder, in case it sees no other.
  Path definitions() {
    return node.folder().resolve("definitions");
  }

  void importDefinitions() {
    node.control("import_definitions", definitions().resolve("definitions.json").toString());
  }

  /// With user, password and virtual host.
  URI address(String role) throws IOException {
    String variable = Files.readString(definitions().resolve(role + ".env")).strip();
    return URI.create(variable.substring(variable.indexOf('=') + 1));
  }

  @Override
  public void close() {
    node.close();
  }
}
