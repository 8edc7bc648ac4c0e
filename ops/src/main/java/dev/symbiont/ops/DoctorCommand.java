package dev.symbiont.ops;

import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Looks at everything that a fleet needs, as far as it can be seen from here, and says what to do
/// about what is wrong. It changes nothing and asks no model.
@Command(
    mixinStandardHelpOptions = true,
    description = {
      "Check everything that the fleet needs, and say what to do about what is wrong: one line per check, which begins with ok, WARN, FAIL, or - where it cannot be seen from here.",
      "Nothing is changed, and no model is asked. Exit code 0 if nothing failed, else 1."
    })
final class DoctorCommand implements Callable<Integer> {

  @Option(
      names = "--skip",
      split = ",",
      paramLabel = "CHECK",
      description =
          "Leave these out, named as they are printed: 'ledger' takes long where it is large; 'cli' and 'login' matter to dispatchers alone.")
  private Set<String> skipped = Set.of();

  @Option(
      names = "--least-free",
      paramLabel = "MB",
      defaultValue = "1000",
      description = "How much room the ledger's disk should have (default: ${DEFAULT-VALUE}).")
  private long leastFree;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
    var findings = new Findings(out, Terminal.current(), skipped);
    examine(Installation.current(), leastFree, findings);
    return findings.hasFailed() ? Symbiont.FAILED : 0;
  }

  /// @param leastFree megabytes
  static void examine(Installation installation, long leastFree, Findings findings) {
    jdk(findings);
    List<String> tiers = tiers(installation, findings);
    broker(installation, tiers, findings);
    new GatewayCheck(Gateway.of(installation), findings).make();
    new FolderCheck(installation.ledgerFolder(), leastFree, findings).make();
    new ClaudeCheck(installation, findings).make();
  }

  private static void jdk(Findings findings) {
    String version = System.getProperty("java.version", "");
    Jdk.problemWith(version)
        .ifPresentOrElse(
            problem -> findings.fail("jdk", problem), () -> findings.ok("jdk", version));
  }

  private static List<String> tiers(Installation installation, Findings findings) {
    try {
      List<String> tiers = ConfiguredTiers.names("symbiont.yml", installation);
      findings.ok("configuration", "tiers " + String.join(", ", tiers));
      return tiers;
    } catch (SetupException e) {
      findings.fail("configuration", e.getMessage() + "; no role will start with it");
      return List.of();
    }
  }

  private static void broker(Installation installation, List<String> tiers, Findings findings) {
    try {
      new BrokerCheck(installation.broker(), tiers, findings).make();
    } catch (SetupException e) {
      findings.fail("broker", String.valueOf(e.getMessage()));
    }
  }
}
