package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JdkTest {

  @ParameterizedTest
  @ValueSource(strings = {"25", "25.0.3", "25.0.1+8", "26-ea", "30.1"})
  void newEnough(String version) {
    assertThat(Jdk.problemWith(version)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.8.0_392", "11.0.2", "21", "24.0.1"})
  void tooOld(String version) {
    assertThat(Jdk.problemWith(version))
        .get()
        .asString()
        .startsWith(version + " is too old; install a JDK 25");
  }

  @Test
  void noVersionAtAll() {
    assertThat(Jdk.problemWith("?")).get().asString().contains("JAVA_HOME");
  }
}
