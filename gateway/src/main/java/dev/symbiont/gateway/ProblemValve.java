package dev.symbiont.gateway;

import java.io.IOException;
import java.util.Objects;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;

/// What the server refuses before anybody else sees it, such as a path that cannot be decoded, as a
/// problem document instead of a page.
public final class ProblemValve extends ErrorReportValve {

  private static final Logger log = LoggerFactory.getLogger(ProblemValve.class);

  @Override
  protected void report(Request request, Response response, @Nullable Throwable failure) {
    HttpStatus status = HttpStatus.resolve(response.getStatus());
    if (status == null || !status.isError() || response.getContentWritten() > 0) {
      return;
    }
    if (status.is5xxServerError()) {
      log.error("a request failed", failure);
    }
    ResponseEntity<byte[]> problem = Problem.of(status, status.getReasonPhrase()).response();
    try {
      response.setContentType(
          Objects.requireNonNull(problem.getHeaders().getContentType()).toString());
      response.getOutputStream().write(Objects.requireNonNull(problem.getBody()));
      response.finishResponse();
    } catch (IOException e) {
      log.debug("the caller has gone: {}", e.toString());
    }
  }
}
