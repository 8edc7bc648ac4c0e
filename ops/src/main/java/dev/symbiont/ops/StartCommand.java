package dev.symbiont.ops;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ConfigurableApplicationContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// One role as its own process.
@Command(
    mixinStandardHelpOptions = true,
    description =
        "Start one role as a process of its own, at the configured broker or the private one if it runs.")
final class StartCommand implements Callable<Integer> {

  @Parameters(paramLabel = "ROLE", description = "gateway, router, dispatcher or ledger")
  private String role = "";

  @Option(
      names = "--wait",
      description = "Wait for the broker instead of giving up when it cannot be reached.")
  private boolean wait;

  @Option(
      names = "--load-all",
      hidden = true,
      description =
          "Load what is needed only once there is a broker, too: for the launcher's trial run.")
  private boolean loadAll;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    Role chosen = chosen();
    if (loadAll) {
      AllClasses.load();
    }
    var installation = Installation.current();
    URI broker = installation.broker();
    if (!wait) {
      Preflight.brokerAnswers(broker);
    }
    var settings = new ArrayList<String>();
    settings.add("symbiont.broker=" + broker);
    if (chosen == Role.GATEWAY) {
      Preflight.portIsFree(URI.create(installation.gatewayAddress()));
    }
    if (chosen == Role.DISPATCHER) {
      Path claude =
          installation
              .claude()
              .orElseThrow(
                  () ->
                      new SetupException(
                          "no Claude CLI on the PATH; install it, or set SYMBIONT_CLAUDE to it"
                              + " (SYMBIONT_CLAUDE=simulated makes answers up)"));
      settings.add("symbiont.dispatcher.claude=" + claude);
    }
    try (ConfigurableApplicationContext context = chosen.start(installation, true, settings)) {
      Objects.requireNonNull(spec)
          .commandLine()
          .getOut()
          .println("%s is up, pid %d".formatted(chosen.title(), ProcessHandle.current().pid()));
      new CountDownLatch(1).await();
      return context.isActive() ? 0 : Symbiont.FAILED;
    }
  }

  private Role chosen() {
    try {
      return Role.valueOf(role.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      String known =
          Arrays.stream(Role.values()).map(Role::title).collect(Collectors.joining(", "));
      throw new SetupException("there is no role '%s'; choose one of: %s".formatted(role, known));
    }
  }
}
