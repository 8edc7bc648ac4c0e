package dev.symbiont.gateway;

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

  /// Spring's own: no such path, method not allowed, and their like.
  @ExceptionHandler
  ResponseEntity<byte[]> problem(Exception e) {
    if (e instanceof ErrorResponse known) {
      var status = HttpStatus.valueOf(known.getStatusCode().value());
      String detail = known.getBody().getDetail();
      return Problem.of(status, detail == null ? status.getReasonPhrase() : detail).response();
    }
    log.error("a request failed", e);
    return Problem.of(HttpStatus.INTERNAL_SERVER_ERROR, "the gateway failed; its log says why")
        .response();
  }
}
