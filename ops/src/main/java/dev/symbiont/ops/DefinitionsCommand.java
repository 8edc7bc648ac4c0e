package dev.symbiont.ops;

import dev.symbiont.contract.topology.Topology;
import dev.symbiont.ledger.journal.OwnerOnly;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// What a broker needs on which every role has a user of its own. Needs no broker itself.
@Command(
    mixinStandardHelpOptions = true,
    description =
        "Write definitions.json, to be imported into a broker, with a user for each role that may do what the role does and nothing else; and for each user a file that says SYMBIONT_BROKER.")
final class DefinitionsCommand implements Callable<Integer> {

  private static final int PASSWORD_BYTES = 24;
  private static final String VARIABLE = "SYMBIONT_BROKER=";

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      required = true,
      description =
          "Where to write. Passwords that are there stay, so that it can be repeated when tiers have changed.")
  private Path out = Path.of("");

  @Option(
      names = "--vhost",
      paramLabel = "V",
      defaultValue = "/",
      description = "The virtual host of the fleet (default: ${DEFAULT-VALUE}).")
  private String vhost = "";

  @Option(
      names = "--host",
      paramLabel = "HOST[:PORT]",
      defaultValue = "localhost",
      description = "The broker, as the roles reach it (default: ${DEFAULT-VALUE}).")
  private String host = "";

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (!vhost.matches("/|[\\w.-]+")) {
      throw new SetupException(
          "--vhost %s: only letters, digits, dots, dashes and underscores, or /".formatted(vhost));
    }
    List<String> tiers = ConfiguredTiers.names("definitions", Installation.current());
    List<BrokerRights> table = BrokerRights.of(tiers);
    Files.createDirectories(out);
    var passwords = new HashMap<String, String>();
    for (BrokerRights rights : table) {
      Path file = out.resolve(rights.role() + ".env");
      String password = password(file);
      passwords.put(rights.role(), password);
      String path = vhost.equals("/") ? "" : "/" + vhost;
      write(file, VARIABLE + "amqp://%s:%s@%s%s\n".formatted(rights.user(), password, host, path));
    }
    Path definitions = out.resolve("definitions.json");
    write(
        definitions,
        BrokerDefinitions.of(Topology.of(tiers), table, passwords, vhost).toPrettyString() + "\n");
    Objects.requireNonNull(spec)
        .commandLine()
        .getOut()
        .println(
            "wrote %s: rabbitmqctl import_definitions takes it; and ROLE.env beside it, for %s"
                .formatted(
                    definitions,
                    String.join(", ", table.stream().map(BrokerRights::role).toList())));
    return 0;
  }

  /// The one that the file has, else a new one.
  private static String password(Path file) throws IOException {
    if (Files.exists(file)) {
      String known = Files.readString(file).strip();
      String login =
          known.startsWith(VARIABLE)
              ? URI.create(known.substring(VARIABLE.length())).getUserInfo()
              : null;
      if (login == null || !login.contains(":")) {
        throw new SetupException(
            "%s has no password; move it away, or name another folder".formatted(file));
      }
      return login.substring(login.indexOf(':') + 1);
    }
    var drawn = new byte[PASSWORD_BYTES];
    new SecureRandom().nextBytes(drawn);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(drawn);
  }

  /// Readable for its owner alone, from the first byte on.
  private static void write(Path file, String content) throws IOException {
    Path fresh = Files.createTempFile(file.getParent(), "new-", "", OwnerOnly.ATTRIBUTE);
    Files.writeString(fresh, content);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
  }
}
