package dev.symbiont.gateway;

import dev.symbiont.contract.wire.Codec;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.Serial;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/// A request that cannot be served, told as an RFC 9457 problem document.
public final class Problem extends RuntimeException {

  @Serial private static final long serialVersionUID = 1;

  /// Heeded by the client libraries of OpenAI and Anthropic.
  private static final String SHOULD_RETRY = "x-should-retry";

  private final HttpStatus status;
  private final Map<String, String> members = new LinkedHashMap<>();
  private final @Nullable Duration retryAfter;
  private boolean mayBeRepeated = true;

  private Problem(HttpStatus status, String detail, @Nullable Duration retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  public static Problem of(HttpStatus status, String detail) {
    return new Problem(status, detail, null);
  }

  /// The request is understood, and something in it cannot be.
  ///
  /// @param field that is to blame, if it is one
  public static Problem invalid(String detail, @Nullable String field) {
    return of(HttpStatus.UNPROCESSABLE_CONTENT, detail).with("field", field);
  }

  /// It may work later.
  public static Problem unavailable(String detail, Duration retryAfter) {
    return new Problem(HttpStatus.SERVICE_UNAVAILABLE, detail, retryAfter);
  }

  /// This caller comes too often.
  public static Problem tooMany(String detail, Duration retryAfter) {
    return new Problem(HttpStatus.TOO_MANY_REQUESTS, detail, retryAfter);
  }

  /// Adds a member to the document; nothing is added for a missing value.
  public Problem with(String member, @Nullable String value) {
    if (value != null) {
      members.put(member, value);
    }
    return this;
  }

  /// Tells client libraries not to send the request again by themselves.
  public Problem notToBeRepeated() {
    mayBeRepeated = false;
    return this;
  }

  public @Nullable String member(String name) {
    return members.get(name);
  }

  public HttpStatus status() {
    return status;
  }

  /// The document, where no controller is asked.
  public void writeTo(HttpServletResponse to) throws IOException {
    ResponseEntity<byte[]> response = response();
    to.setStatus(status.value());
    response.getHeaders().forEach((name, values) -> values.forEach(it -> to.setHeader(name, it)));
    to.getOutputStream().write(Objects.requireNonNull(response.getBody()));
  }

  ResponseEntity<byte[]> response() {
    var document = new LinkedHashMap<String, Object>();
    document.put("type", "about:blank");
    document.put("title", status.getReasonPhrase());
    document.put("status", status.value());
    document.put("detail", getMessage());
    document.putAll(members);
    return response(MediaType.APPLICATION_PROBLEM_JSON, document);
  }

  /// The same in the words of another format.
  public ResponseEntity<byte[]> response(Object body) {
    return response(MediaType.APPLICATION_JSON, body);
  }

  private ResponseEntity<byte[]> response(MediaType type, Object body) {
    var headers = new HttpHeaders();
    headers.setContentType(type);
    if (retryAfter != null) {
      headers.set(HttpHeaders.RETRY_AFTER, Long.toString(retryAfter.toSeconds()));
    }
    if (!mayBeRepeated) {
      headers.set(SHOULD_RETRY, "false");
    }
    return new ResponseEntity<>(Codec.encode(body), headers, status);
  }
}
