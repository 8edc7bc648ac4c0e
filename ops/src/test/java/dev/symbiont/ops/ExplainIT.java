package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a task would be called with, without calling anybody.
class ExplainIT {

  /// Asks the API one question, as the CLI does, and says what became of it.
  private static final String CLI =
      """
      #!/bin/bash
      [ -n "$SECRET" ] && exit 9
      address=${ANTHROPIC_BASE_URL#http://}
      body='{"model":"m","system":"answer","messages":["hello"],"tools":[]}'
      exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
      printf 'POST /v1/messages HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s' \
        "${#body}" "$body" >&3
      cat <&3 >/dev/null
      exit 1
      """;

  @TempDir private Path folder;
  private final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void aCli() throws Exception {
    Path cli = Files.writeString(folder.resolve("claude"), CLI);
    Files.setPosixFilePermissions(cli, PosixFilePermissions.fromString("rwx------"));
    environment.put("SYMBIONT_CLAUDE", cli.toString());
    environment.put("ANTHROPIC_API_KEY", "a-real-key");
  }

  @Test
  void saysTierFlagsAndWeightOfATaskWhoseTierIsKnown() throws Exception {
    String said = explain("write a sonnet", "--tier", "sonnet", "--system", "Be brief.");

    assertThat(said)
        .contains("sonnet: the caller asked for it")
        .contains("63 bytes: system prompt 8, messages 9, tools 2")
        .contains("--model sonnet")
        .contains("--system-prompt 'Be brief.'")
        .contains("CLAUDE_CODE_MAX_RETRIES=0")
        .doesNotContain("a-real-key")
        .doesNotContain("--model haiku");
  }

  @Test
  void showsTheClassificationAndEveryTierThatMayFollow() throws Exception {
    assertThat(explain("what now?"))
        .contains("haiku is asked which tier can do it")
        .contains("MAX_THINKING_TOKENS=0")
        .contains("--json-schema")
        .contains("--model sonnet", "--model opus");
  }

  @Test
  void anUnknownTierIsNamed() throws Exception {
    try (var process =
        SymbiontProcess.start(folder, environment, "explain", "hello", "--tier", "gpt")) {
      assertThat(process.awaitExit()).isEqualTo(Symbiont.MISUSED);
      assertThat(process.output()).contains("unknown tier 'gpt' (known: haiku, sonnet, opus)");
    }
  }

  private String explain(String... arguments) throws Exception {
    var all = new String[arguments.length + 1];
    all[0] = "explain";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    try (var process = SymbiontProcess.start(folder, environment, all)) {
      assertThat(process.awaitExit()).as(process.output()).isZero();
      return process.output();
    }
  }
}
