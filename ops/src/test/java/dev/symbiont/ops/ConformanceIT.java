package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ops.Breakages.Breakage;
import dev.symbiont.testing.TestBroker;
import dev.symbiont.testing.WithBroker;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/// The conformance kit: the project's own fleet passes, and a fleet that breaks a rule fails it.
@WithBroker
class ConformanceIT {

  /// What a stand-in on the same machine needs many times less than.
  private static final String SHORT = "3s";

  private record Ran(int exit, String output) {}

  @Test
  void theProjectsOwnFleetPassesForTheMoneyThatIsTold(TestBroker broker, @TempDir Path folder)
      throws Exception {
    try (var fleet = new FleetProcesses(TestBroker.at(broker.address()), folder, Map.of())) {
      var roles = Stream.of("ledger", "router", "dispatcher");
      roles
          .map(role -> Map.entry(role, fleet.start(role)))
          .toList()
          .forEach(it -> it.getValue().awaitOutput(it.getKey() + " is up"));

      Ran ran = run(broker, "30s");

      assertThat(ran.exit).as(ran.output).isZero();
      assertThat(fleet.ledger()).hasSizeBetween(10, 16);
      assertThat(broker.depth("symbiont.dead-letters")).isBetween(15L, 25L);
    }
  }

  @Test
  void aFleetThatKeepsEveryRulePasses(TestBroker broker) throws Exception {
    try (var fleet = new StandInFleet(broker, (_, honest) -> honest)) {
      Ran ran = run(broker, SHORT, "--json");

      assertThat(ran.exit).as(ran.output).isZero();
      JsonNode report = Codec.mapper().readTree(ran.output);
      assertThat(report.path("holds").asBoolean()).isTrue();
      assertThat(report.path("rules")).hasSize((int) rules().count());
      assertThat(fleet).isNotNull();
    }
  }

  @ParameterizedTest
  @MethodSource("rules")
  void aFleetThatBreaksARuleFailsAndIsToldWhy(String rule, TestBroker broker) throws Exception {
    Breakage breakage =
        Objects.requireNonNull(Breakages.BY_RULE.get(rule), "no fleet breaks this rule");
    try (var fleet = new StandInFleet(broker, breakage.manner())) {
      Ran ran = run(broker, SHORT, rule);

      assertThat(ran.exit).as(ran.output).isEqualTo(Symbiont.FAILED);
      assertThat(ran.output)
          .contains("FAILED  " + rule)
          .containsPattern("because: expected .*; came ")
          .contains(breakage.because());
      assertThat(fleet).isNotNull();
    }
  }

  @Test
  void whatCannotBeTriedIsToldApart(TestBroker broker) {
    broker.clean();

    assertMisused(run(broker, SHORT), "no exchange 'symbiont.tasks'");
    assertMisused(run(broker, SHORT, "reply.oncee"), "there is no rule 'reply.oncee'");
    assertMisused(
        execute("conformance", "--broker", "amqp://127.0.0.1:1"),
        "the broker at amqp://127.0.0.1:1 cannot be reached");
    assertMisused(run(broker, "soon"), "'soon' is no time");
  }

  static Stream<String> rules() {
    return execute("conformance", "--list").output.lines().map(it -> it.split(" ", 2)[0]);
  }

  private static void assertMisused(Ran ran, String message) {
    assertThat(ran.exit).isEqualTo(Symbiont.MISUSED);
    assertThat(ran.output).contains(message).doesNotContain("\tat ");
  }

  private static Ran run(TestBroker broker, String timeout, String... more) {
    var fixed =
        Stream.of("conformance", "--broker", broker.address().toString(), "--timeout", timeout);
    return execute(Stream.concat(fixed, Stream.of(more)).toArray(String[]::new));
  }

  private static Ran execute(String... arguments) {
    var output = new StringWriter();
    var line = Symbiont.commandLine();
    line.setOut(new PrintWriter(output));
    line.setErr(new PrintWriter(output));
    int exit = line.execute(arguments);
    return new Ran(exit, output.toString());
  }
}
