package dev.symbiont.gateway;

import dev.symbiont.contract.wire.Codec;
import java.net.URI;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/// JSON responses, written with the same codec as the messages.
public final class Http {

  private Http() {}

  public static ResponseEntity<byte[]> ok(Object body) {
    return json(HttpStatus.OK, body, new HttpHeaders());
  }

  public static ResponseEntity<byte[]> accepted(Object body, URI location) {
    var headers = new HttpHeaders();
    headers.setLocation(location);
    return json(HttpStatus.ACCEPTED, body, headers);
  }

  private static ResponseEntity<byte[]> json(HttpStatus status, Object body, HttpHeaders headers) {
    headers.setContentType(MediaType.APPLICATION_JSON);
    return new ResponseEntity<>(Codec.encode(body), headers, status);
  }
}
