package dev.symbiont.gateway.access;

import dev.symbiont.gateway.Problem;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.ratelimiter.RateLimiterRegistry;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.filter.OncePerRequestFilter;

/// Finds out who asks, before anything of the request is read. The key comes as `Authorization:
/// Bearer`, or as `x-api-key` where a client library for another format sends it so.
final class KeyFilter extends OncePerRequestFilter {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final KeyRing ring;
  private final boolean keysWanted;
  private final @Nullable RateLimiterRegistry limiters;

  KeyFilter(KeyRing ring, AccessSettings settings) {
    this.ring = ring;
    this.keysWanted = settings.keys();
    this.limiters =
        settings.requestsPerSecond() == 0
            ? null
            : RateLimiterRegistry.of(
                RateLimiterConfig.custom()
                    .limitForPeriod(settings.requestsPerSecond())
                    .limitRefreshPeriod(SECOND)
                    .timeoutDuration(Duration.ZERO)
                    .build());
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    try {
      caller(request).ifPresent(KeyFilter::remember);
    } catch (Problem e) {
      e.writeTo(response);
      return;
    }
    chain.doFilter(request, response);
  }

  /// Nobody, if there is no key; what needs none is still open then.
  private Optional<Caller> caller(HttpServletRequest request) {
    if (!keysWanted) {
      return Optional.of(Caller.ANYBODY);
    }
    Optional<String> text = text(request);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    if (!ring.isKnown()) {
      throw Problem.unavailable(
          "the keys are not known yet: no ledger-writer has answered since this gateway started",
          SECOND);
    }
    Optional<Caller> caller = ring.find(text.get()).map(Caller::with);
    if (caller.isPresent() && limiters != null) {
      RateLimiter limiter = limiters.rateLimiter(caller.get().namespace());
      if (!limiter.acquirePermission()) {
        throw Problem.tooMany(
            "this key may send %d requests a second"
                .formatted(limiter.getRateLimiterConfig().getLimitForPeriod()),
            SECOND);
      }
    }
    return caller;
  }

  private static Optional<String> text(HttpServletRequest request) {
    String header = request.getHeader(HttpHeaders.AUTHORIZATION);
    if (header != null && header.regionMatches(true, 0, "Bearer ", 0, "Bearer ".length())) {
      return Optional.of(header.substring("Bearer ".length()).strip());
    }
    return Optional.ofNullable(request.getHeader("x-api-key"));
  }

  private static void remember(Caller caller) {
    var context = SecurityContextHolder.createEmptyContext();
    context.setAuthentication(
        UsernamePasswordAuthenticationToken.authenticated(
            caller,
            null,
            caller.scopes().stream().map(it -> new SimpleGrantedAuthority(it.wire())).toList()));
    SecurityContextHolder.setContext(context);
  }

  static void writeUnauthorized(HttpServletResponse response) throws IOException {
    response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"symbiont\"");
    Problem.of(
            HttpStatus.UNAUTHORIZED,
            "a key is needed: send the header Authorization: Bearer sym_…; there is none, or it is wrong, expired or revoked")
        .writeTo(response);
  }
}
