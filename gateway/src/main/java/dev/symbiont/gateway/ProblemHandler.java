package dev.symbiont.gateway;

import java.nio.ByteBuffer;
import java.util.Objects;
import org.eclipse.jetty.ee11.servlet.ServletContextRequest;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;

/// What the server refuses before anybody else sees it, such as a path that cannot be decoded, as a
/// problem document instead of a page.
final class ProblemHandler implements Request.Handler {

  private static final Logger log = LoggerFactory.getLogger(ProblemHandler.class);

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    HttpStatus status = HttpStatus.resolve(response.getStatus());
    if (status == null || !status.isError()) {
      status = HttpStatus.INTERNAL_SERVER_ERROR;
      response.setStatus(status.value());
    }
    if (status == HttpStatus.INTERNAL_SERVER_ERROR) {
      log.error(
          "{} {} failed",
          request.getMethod(),
          request.getHttpURI().getPath(),
          request.getAttribute(ErrorHandler.ERROR_EXCEPTION));
    }
    ResponseEntity<byte[]> problem = Problem.of(status, status.getReasonPhrase()).response();
    String type = Objects.requireNonNull(problem.getHeaders().getContentType()).toString();
    byte[] body = Objects.requireNonNull(problem.getBody());
    // Where the server could not read a request, it does not read on, and would not always say so.
    response.getHeaders().put(HttpFields.CONNECTION_CLOSE);
    if (request instanceof ServletContextRequest servlet) {
      // It has got to a servlet, whose response must know what is written.
      servlet.getHttpServletResponse().setContentType(type);
      servlet.getHttpServletResponse().getOutputStream().write(body);
      callback.succeeded();
    } else {
      response.getHeaders().put(HttpHeader.CONTENT_TYPE, type);
      response.write(true, ByteBuffer.wrap(body), callback);
    }
    return true;
  }
}
