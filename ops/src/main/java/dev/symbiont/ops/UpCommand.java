package dev.symbiont.ops;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// A whole fleet on one machine.
@Command(
    mixinStandardHelpOptions = true,
    description =
        "Start broker, gateway, router, dispatchers and ledger-writer in one process; Ctrl-C stops them.")
final class UpCommand implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    var installation = Installation.current();
    var gateway = URI.create(installation.gatewayAddress());
    Preflight.portIsFree(gateway);
    try (var fleet = new Fleet(installation)) {
      if (!fleet.tryLock()) {
        throw new SetupException(
            "another fleet runs from %s; use it, or stop it first".formatted(installation.root()));
      }
      fleet.start(gateway.getPort(), List.of());
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      if (fleet.simulated()) {
        out.println("SIMULATED: there is no Claude CLI; answers, tokens and costs are made up.");
      }
      out.println(
          """
          Symbiont is up. Post tasks to it:
            curl -s %s/task -H 'Content-Type: application/json' -d '{"task": "Summarize this email: the meeting moved to Friday"}'
          Ledger: %s. Ctrl-C stops everything."""
              .formatted(fleet.address(), installation.ledgerFolder().resolve("ledger.jsonl")));
      // The shutdown hook ends the fleet; there is nothing else to wait for.
      new CountDownLatch(1).await();
    }
    return 0;
  }
}
