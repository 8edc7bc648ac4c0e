package dev.symbiont.hop;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/// Shows the vitals over HTTP where a port is configured: most roles have no other server, and need
/// none.
final class MetricsServer implements AutoCloseable {

  private static final int NOT_FOUND = 404;
  private static final int NOT_ALLOWED = 405;
  private static final int NO_BODY = -1;

  private final MetricsSettings settings;
  private final Vitals vitals;
  private final ExecutorService requests = Executors.newVirtualThreadPerTaskExecutor();
  private @Nullable HttpServer server;

  MetricsServer(MetricsSettings settings, Vitals vitals) {
    this.settings = settings;
    this.vitals = vitals;
  }

  void start() {
    if (!settings.isOn()) {
      return;
    }
    try {
      var at = new InetSocketAddress(settings.address(), settings.actualPort());
      HttpServer started = HttpServer.create(at, 0);
      started.setExecutor(requests);
      started.createContext("/", this::handle);
      started.start();
      server = started;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "symbiont.metrics.port: %d on %s cannot be used (%s); set SYMBIONT_METRICS_PORT to another"
              .formatted(settings.actualPort(), settings.address(), e.getMessage()));
    }
  }

  @Override
  public void close() {
    if (server != null) {
      server.stop(0);
    }
    requests.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      boolean head = exchange.getRequestMethod().equals("HEAD");
      if (!head && !exchange.getRequestMethod().equals("GET")) {
        exchange.sendResponseHeaders(NOT_ALLOWED, NO_BODY);
        return;
      }
      Vitals.Answer answer =
          switch (exchange.getRequestURI().getPath()) {
            case Vitals.METRICS_PATH -> vitals.metrics();
            case Vitals.LIVE_PATH -> vitals.live();
            case Vitals.READY_PATH -> vitals.ready();
            default -> null;
          };
      if (answer == null) {
        exchange.sendResponseHeaders(NOT_FOUND, NO_BODY);
        return;
      }
      exchange.getResponseHeaders().set("Content-Type", answer.contentType());
      if (head) {
        exchange.sendResponseHeaders(answer.status(), NO_BODY);
      } else {
        exchange.sendResponseHeaders(answer.status(), answer.body().length);
        exchange.getResponseBody().write(answer.body());
      }
    }
  }
}
