package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Wrong use: one clear line, exit code 2, no stack trace.
@WithBroker
class MisuseIT {

  @TempDir private Path folder;
  private final Map<String, String> environment = new HashMap<>();

  @Test
  void aTakenPortIsNamed(TestBroker broker) throws Exception {
    environment.put("SYMBIONT_BROKER", broker.address().toString());
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      environment.put("SYMBIONT_PORT", Integer.toString(taken.getLocalPort()));

      assertMisused("port " + taken.getLocalPort(), "start", "gateway");
    }
  }

  @Test
  void aBrokerOutOfReachIsNamed() throws Exception {
    environment.put("SYMBIONT_BROKER", "amqp://127.0.0.1:1");

    assertMisused("the broker at amqp://127.0.0.1:1 cannot be reached", "start", "router");
  }

  @Test
  void aRefusedLoginNamesTheUserAndHidesThePassword(TestBroker broker) throws Exception {
    String address = "amqp://nobody:secret@127.0.0.1:" + broker.address().getPort();
    environment.put("SYMBIONT_BROKER", address);

    String output = assertMisused("refuses the login of user 'nobody'", "start", "router");

    assertThat(output).doesNotContain("secret");
  }

  @Test
  void aMissingBrokerSaysHowToGetOne() throws Exception {
    Path root = Files.createDirectories(folder.resolve("root"));
    Files.createSymbolicLink(root.resolve("ops"), SymbiontProcess.ROOT.resolve("ops"));
    try (var process = SymbiontProcess.start(root, folder, environment, "start", "router")) {
      assertThat(process.awaitExit()).isEqualTo(Symbiont.MISUSED);
      assertThat(process.output()).contains("./symbiont broker start").hasLineCount(1);
    }
  }

  @Test
  void aFolderThatCannotBeUsedIsNamed(TestBroker broker) throws Exception {
    environment.put("SYMBIONT_BROKER", broker.address().toString());
    Path file = Files.createFile(folder.resolve("file"));
    environment.put("SYMBIONT_DATA", file.resolve("ledger").toString());

    assertMisused("file/ledger cannot be used", "start", "ledger");
  }

  @Test
  void anUnknownTierInTheConfigurationIsNamed(TestBroker broker) throws Exception {
    environment.put("SYMBIONT_BROKER", broker.address().toString());
    environment.put("SYMBIONT_ROUTER_DEFAULTTIER", "gpt");

    assertMisused("unknown tier 'gpt' (known: haiku, sonnet, opus)", "start", "router");
  }

  @Test
  void aDispatcherWithoutACliSaysWhatToSet(TestBroker broker) throws Exception {
    environment.put("SYMBIONT_BROKER", broker.address().toString());

    assertMisused("SYMBIONT_CLAUDE", "start", "dispatcher");
  }

  @Test
  void anUnknownRoleIsAnsweredWithTheKnownOnes() throws Exception {
    assertMisused("gateway", "start", "gatway");
  }

  @Test
  void aQuestionWithoutAGatewaySaysHowToStartOne() throws Exception {
    environment.put("SYMBIONT_PORT", "1");

    assertMisused("./symbiont up", "status");
  }

  private String assertMisused(String message, String... arguments) throws Exception {
    try (var process = SymbiontProcess.start(folder, environment, arguments)) {
      assertThat(process.awaitExit()).as(process.output()).isEqualTo(Symbiont.MISUSED);
      String output = process.output();
      assertThat(output.lines().filter(line -> line.startsWith("symbiont: "))).hasSize(1);
      assertThat(output).contains(message).doesNotContain("\tat ").doesNotContain("Exception");
      return output;
    }
  }
}
