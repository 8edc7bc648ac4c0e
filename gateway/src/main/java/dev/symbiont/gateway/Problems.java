package dev.symbiont.gateway;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.eclipse.jetty.http.HttpException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/// Turns whatever goes wrong into a problem document.
@RestControllerAdvice
class Problems {

  private static final Logger log = LoggerFactory.getLogger(Problems.class);

  @ExceptionHandler
  ResponseEntity<byte[]> problem(Problem problem) {
    return problem.response();
  }

  /// Nothing but requests is read here, and nothing but answers is written: the caller has gone, or
  /// sends what cannot be a body.
  @ExceptionHandler
  ResponseEntity<byte[]> problem(IOException e) {
    log.debug("a request broke off: {}", e.toString());
    return Problem.of(
            HttpStatus.BAD_REQUEST, "the body breaks off, or is not encoded as its headers say")
        .response();
  }

  /// Spring's own: no such path, method not allowed, and their like.
  @ExceptionHandler
  ResponseEntity<byte[]> problem(Exception e, HttpServletRequest request) {
    if (e instanceof ErrorResponse known) {
      var status = HttpStatus.valueOf(known.getStatusCode().value());
      String detail = known.getBody().getDetail();
      return Problem.of(status, detail == null ? status.getReasonPhrase() : detail).response();
    }
    // The server's, about what it reads only when it is asked to, such as the parameters.
    if (e instanceof HttpException refusal && refusal.getCode() < 500) {
      var status = HttpStatus.valueOf(refusal.getCode());
      return Problem.of(status, String.valueOf(refusal.getReason())).response();
    }
    log.error("{} {} failed", request.getMethod(), request.getRequestURI(), e);
    return Problem.of(HttpStatus.INTERNAL_SERVER_ERROR, "the gateway failed; its log says why")
        .response();
  }
}
