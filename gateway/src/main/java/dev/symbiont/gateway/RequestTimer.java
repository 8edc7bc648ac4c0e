package dev.symbiont.gateway;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerMapping;

/// Times requests by the template of their path: ids in a path, and methods that somebody makes up,
/// must not make meters. Comes first, so that it sees what is refused for want of a key.
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
final class RequestTimer extends OncePerRequestFilter {

  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
  private static final String OTHER = "other";

  private static final Duration[] BUCKETS = {
    Duration.ofMillis(10),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(30),
    Duration.ofMinutes(2),
    Duration.ofMinutes(10)
  };

  private final MeterRegistry meters;
  private final ConcurrentMap<Kind, Timer> timers = new ConcurrentHashMap<>();

  private record Kind(String method, String path, int status) {}

  RequestTimer(MeterRegistry meters) {
    this.meters = meters;
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    long start = System.nanoTime();
    try {
      chain.doFilter(request, response);
    } finally {
      String method = METHODS.contains(request.getMethod()) ? request.getMethod() : OTHER;
      Object path = request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
      var kind = new Kind(method, path instanceof String it ? it : OTHER, response.getStatus());
      timers
          .computeIfAbsent(kind, this::timer)
          .record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
    }
  }

  private Timer timer(Kind kind) {
    return Timer.builder("symbiont.http.requests")
        .description("Requests to the gateway, until their answers were written")
        .tag("method", kind.method)
        .tag("path", kind.path)
        .tag("status", Integer.toString(kind.status))
        .serviceLevelObjectives(BUCKETS)
        .register(meters);
  }
}
