package dev.symbiont.ops;

import dev.symbiont.contract.Ids;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A fleet's exchanges, queues, bindings, users and their rights, as `rabbitmqctl
/// import_definitions` takes them.
final class BrokerDefinitions {

  private static final int SALT_BYTES = 4;

  private final ObjectNode root = Codec.mapper().createObjectNode();
  private final SecureRandom random = new SecureRandom();
  private final String vhost;

  /// @param passwords by role
  static ObjectNode of(
      Topology topology, List<BrokerRights> table, Map<String, String> passwords, String vhost) {
    var definitions = new BrokerDefinitions(vhost);
    definitions.root.putArray("vhosts").addObject().put("name", vhost);
    definitions.addUsers(table, passwords);
    definitions.addTopology(topology);
    return definitions.root;
  }

  private BrokerDefinitions(String vhost) {
    this.vhost = vhost;
  }

  private void addUsers(List<BrokerRights> table, Map<String, String> passwords) {
    ArrayNode users = root.putArray("users");
    ArrayNode permissions = root.putArray("permissions");
    ArrayNode topics = root.putArray("topic_permissions");
    for (BrokerRights rights : table) {
      users
          .addObject()
          .put("name", rights.user())
          .put("password_hash", hash(passwords.getOrDefault(rights.role(), "")))
          .put("hashing_algorithm", "rabbit_password_hashing_sha256")
          .put("tags", "");
      permissions
          .addObject()
          .put("user", rights.user())
          .put("vhost", vhost)
          .put("configure", rights.configure())
          .put("write", rights.write())
          .put("read", rights.read());
      // Named for each, because what is not named is allowed.
      for (String exchange : List.of(Topology.FLOW, Topology.EVENTS)) {
        topics
            .addObject()
            .put("user", rights.user())
            .put("vhost", vhost)
            .put("exchange", exchange)
            .put("write", rights.writeTopics(exchange))
            .put("read", rights.readTopics(exchange));
      }
    }
  }

  private void addTopology(Topology topology) {
    ArrayNode exchanges = root.putArray("exchanges");
    for (Topology.Exchange exchange : topology.exchanges()) {
      exchanges
          .addObject()
          .put("name", exchange.name())
          .put("vhost", vhost)
          .put("type", exchange.type())
          .put("durable", true)
          .put("auto_delete", false)
          .put("internal", false)
          .set("arguments", Codec.mapper().valueToTree(exchange.arguments()));
    }
    ArrayNode queues = root.putArray("queues");
    for (Topology.Queue queue : topology.queues()) {
      queues
          .addObject()
          .put("name", queue.name())
          .put("vhost", vhost)
          .put("durable", true)
          .put("auto_delete", false)
          .set("arguments", Codec.mapper().valueToTree(queue.arguments()));
    }
    ArrayNode bindings = root.putArray("bindings");
    for (Topology.Binding binding : topology.bindings()) {
      bindings
          .addObject()
          .put("source", binding.source())
          .put("vhost", vhost)
          .put("destination", binding.destination())
          .put("destination_type", binding.toExchange() ? "exchange" : "queue")
          .put("routing_key", binding.key())
          .putObject("arguments");
    }
  }

  /// The salt, and the SHA-256 of salt and password.
  private String hash(String password) {
    var salt = new byte[SALT_BYTES];
    random.nextBytes(salt);
    var digest = Ids.sha256();
    digest.update(salt);
    byte[] hash = digest.digest(password.getBytes(StandardCharsets.UTF_8));
    var salted = new byte[salt.length + hash.length];
    System.arraycopy(salt, 0, salted, 0, salt.length);
    System.arraycopy(hash, 0, salted, salt.length, hash.length);
    return Base64.getEncoder().encodeToString(salted);
  }
}
