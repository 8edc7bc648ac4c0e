package dev.symbiont.gateway.status;

import dev.symbiont.hop.Vitals;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/// How this gateway is, for whoever watches it.
@RestController
class VitalsEndpoints {

  private final Vitals vitals;

  VitalsEndpoints(Vitals vitals) {
    this.vitals = vitals;
  }

  @GetMapping(Vitals.METRICS_PATH)
  ResponseEntity<byte[]> metrics() {
    return response(vitals.metrics());
  }

  @GetMapping(Vitals.LIVE_PATH)
  ResponseEntity<byte[]> live() {
    return response(vitals.live());
  }

  @GetMapping(Vitals.READY_PATH)
  ResponseEntity<byte[]> ready() {
    return response(vitals.ready());
  }

  private static ResponseEntity<byte[]> response(Vitals.Answer answer) {
    return ResponseEntity.status(answer.status())
        .header(HttpHeaders.CONTENT_TYPE, answer.contentType())
        .body(answer.body());
  }
}
