package dev.symbiont.gateway;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;

/// How long a caller would like to wait: the header `Prefer` of RFC 7240, of which `wait=SECONDS`
/// and `respond-async` are known. What is not known or not well formed is ignored, as the RFC wants
/// it.
///
/// @param patience nothing if the caller does not say
/// @param applied what `Preference-Applied` says
public record Preference(Optional<Duration> patience, String applied) {

  private static final Pattern WAIT = Pattern.compile("wait\\s*=\\s*\"?(\\d{1,6})\"?");

  /// What the caller prefers.
  ///
  /// @param headers the values of all `Prefer` headers
  public static Preference of(@Nullable List<String> headers) {
    if (headers == null) {
      return new Preference(Optional.empty(), "");
    }
    Optional<Duration> wait = Optional.empty();
    boolean async = false;
    for (String each : String.join(",", headers).toLowerCase(Locale.ROOT).split(",", -1)) {
      Matcher matcher = WAIT.matcher(each.strip());
      if (matcher.matches() && wait.isEmpty()) {
        wait = Optional.of(Duration.ofSeconds(Long.parseLong(matcher.group(1))));
      }
      async |= each.strip().equals("respond-async");
    }
    if (wait.isPresent()) {
      return new Preference(wait, "wait=" + wait.get().toSeconds());
    }
    return async
        ? new Preference(Optional.of(Duration.ZERO), "respond-async")
        : new Preference(Optional.empty(), "");
  }

  /// Says in a response that it was heard.
  public ResponseEntity<byte[]> appliedTo(ResponseEntity<byte[]> response) {
    if (applied.isEmpty()) {
      return response;
    }
    return ResponseEntity.status(response.getStatusCode())
        .headers(response.getHeaders())
        .header("Preference-Applied", applied)
        .body(response.getBody());
  }

  /// How long to wait: at most `most`, and `otherwise` if the caller does not say.
  public Duration within(Duration most, Duration otherwise) {
    Duration wanted = patience.orElse(otherwise);
    return wanted.compareTo(most) < 0 ? wanted : most;
  }
}
