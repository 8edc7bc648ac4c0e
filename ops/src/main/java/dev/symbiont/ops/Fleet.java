package dev.symbiont.ops;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/// All roles in this one process, with a private broker if none is configured. Stops what it
/// started, and only that, also when it is stopped half-way through its start.
final class Fleet implements AutoCloseable {

  private static final Duration READY_PATIENCE = Duration.ofSeconds(30);

  private final Installation installation;
  private final PrivateBroker privateBroker;
  private final Deque<ConfigurableApplicationContext> running = new ArrayDeque<>();
  private final Object startOrStop = new Object();
  private volatile boolean closed;
  private volatile boolean brokerIsOurs;
  private @Nullable FileLock lock;
  private @Nullable String address;
  private boolean simulated;

  Fleet(Installation installation) {
    this.installation = installation;
    this.privateBroker = new PrivateBroker(installation);
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "stop-fleet"));
  }

  /// Claims this folder for one fleet at a time: a second one would stop the first one's broker.
  boolean tryLock() throws IOException {
    Files.createDirectories(Objects.requireNonNull(installation.fleetLock().getParent()));
    FileChannel channel =
        FileChannel.open(
            installation.fleetLock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    lock = channel.tryLock();
    if (lock == null) {
      channel.close();
    }
    return lock != null;
  }

  /// Returns when the whole way from the gateway to the ledger works.
  ///
  /// @param port of the gateway; 0 for any free one
  /// @param more settings, `key=value`
  void start(int port, List<String> more) {
    Path claude = claude();
    URI broker = broker();
    var settings = new ArrayList<String>(more);
    settings.add("symbiont.broker=" + broker);
    settings.add("symbiont.dispatcher.claude=" + claude);
    settings.add("symbiont.dispatcher.stop-grace=3s");
    settings.add("server.port=" + port);
    settings.add("server.shutdown=immediate");
    for (Role role : Role.values()) {
      synchronized (startOrStop) {
        if (closed) {
          throw new SetupException("stopped while starting");
        }
        var own = new ArrayList<String>(settings);
        own.add("symbiont.metrics.offset=" + running.size());
        running.push(role.start(installation, false, own));
      }
    }
    if (running.peek() instanceof WebServerApplicationContext web) {
      int actual = Objects.requireNonNull(web.getWebServer()).getPort();
      address =
          "http://%s:%d".formatted(URI.create(installation.gatewayAddress()).getHost(), actual);
    }
    awaitLedger(new Gateway(address()));
  }

  /// Where the gateway is.
  String address() {
    return Objects.requireNonNull(address, "the fleet has started");
  }

  boolean simulated() {
    return simulated;
  }

  @Override
  public void close() {
    closed = true;
    if (brokerIsOurs && running.size() < Role.values().length) {
      // Still starting: whatever waits for the broker shall not wait any longer.
      privateBroker.stop();
    }
    synchronized (startOrStop) {
      while (!running.isEmpty()) {
        running.pop().close();
      }
      if (brokerIsOurs) {
        privateBroker.stop();
        brokerIsOurs = false;
      }
      release();
    }
  }

  /// The fleet is up when a question has gone from the gateway through the broker to the ledger and
  /// back.
  private static void awaitLedger(Gateway gateway) {
    long end = System.nanoTime() + READY_PATIENCE.toNanos();
    while (!gateway.hasLedger()) {
      if (System.nanoTime() > end) {
        throw new SetupException(
            "the ledger-writer did not answer within %d s; the lines above say why"
                .formatted(READY_PATIENCE.toSeconds()));
      }
    }
  }

  private URI broker() {
    Optional<String> configured = installation.configuredBroker();
    if (configured.isPresent()) {
      var address = URI.create(configured.get());
      Preflight.brokerAnswers(address);
      return address;
    }
    return privateBroker
        .running()
        .orElseGet(
            () -> {
              brokerIsOurs = true;
              return privateBroker.start();
            });
  }

  /// The simulated CLI stands in only where nobody can take it for the real one: on the private
  /// broker.
  private Path claude() {
    Optional<Path> found = installation.claude();
    if (found.isEmpty() && installation.configuredBroker().isPresent()) {
      throw new SetupException(
          "no Claude CLI on the PATH; install it, or set SYMBIONT_CLAUDE to it (or to 'simulated')");
    }
    Path program = found.orElseGet(installation::simulatedClaude);
    simulated = installation.isSimulated(program);
    return program;
  }

  private void release() {
    try {
      if (lock != null) {
        lock.acquiredBy().close();
        lock = null;
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
