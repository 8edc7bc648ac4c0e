package dev.symbiont.gateway.status;

import dev.symbiont.gateway.Http;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/// The description of this interface: docs/openapi.yaml, as JSON.
@RestController
class DocumentEndpoints {

  private final Object document = read();

  @GetMapping("/openapi.json")
  ResponseEntity<byte[]> openapi() {
    return Http.ok(document);
  }

  private static Object read() {
    try (InputStream in =
        Objects.requireNonNull(DocumentEndpoints.class.getResourceAsStream("/openapi.yaml"))) {
      return new Yaml(new SafeConstructor(new LoaderOptions())).load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
