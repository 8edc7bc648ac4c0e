package dev.symbiont.gateway;

import dev.symbiont.contract.wire.Codec;
import java.io.Serial;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/// A request that cannot be served, told as an RFC 9457 problem document.
public final class Problem extends RuntimeException {

  @Serial private static final long serialVersionUID = 1;

  private final HttpStatus status;
  private final Map<String, String> members = new LinkedHashMap<>();
  private final @Nullable Duration retryAfter;

  private Problem(HttpStatus status, String detail, @Nullable Duration retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  public static Problem of(HttpStatus status, String detail) {
    return new Problem(status, detail, null);
  }

  /// It may work later.
  public static Problem unavailable(String detail, Duration retryAfter) {
    return new Problem(HttpStatus.SERVICE_UNAVAILABLE, detail, retryAfter);
  }

  /// Adds a member to the document; nothing is added for a missing value.
  public Problem with(String member, @Nullable String value) {
    if (value != null) {
      members.put(member, value);
    }
    return this;
  }

  ResponseEntity<byte[]> response() {
    var document = new LinkedHashMap<String, Object>();
    document.put("type", "about:blank");
    document.put("title", status.getReasonPhrase());
    document.put("status", status.value());
    document.put("detail", getMessage());
    document.putAll(members);
    var headers = new HttpHeaders();
    headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
    if (retryAfter != null) {
      headers.set(HttpHeaders.RETRY_AFTER, Long.toString(retryAfter.toSeconds()));
    }
    return new ResponseEntity<>(Codec.mapper().writeValueAsBytes(document), headers, status);
  }
}
