package dev.symbiont.ledger.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.Samples;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LedgerLineTest {

  private static final RoutedTask ROUTED = Samples.routed("task-1");
  private static final CallGranted GRANT =
      Samples.granted(Samples.request(ROUTED, "ask-1", "worker-1"), 1);

  @Test
  void theFieldsOfTheOriginalComeFirstAndInItsOrder() {
    String line = json(Samples.answered(GRANT, "0.007175999999999998"));

    assertThat(line)
        .isEqualTo(
            """
            {"timestamp":"2026-03-01T12:00:01.500000Z","model":"haiku","success":true,\
            "elapsed_seconds":1.500,"input_tokens":10,"output_tokens":20,\
            "estimated_cost_usd":0.007175999999999998,"prompt_preview":"the prompt of task-1",\
            "call_id":"task-1/call.1","task_id":"task-1","tier":"haiku","purpose":"task",\
            "attempt":1,"outcome":"answered","worker":"worker-1","cache_read_tokens":30,\
            "cache_write_tokens":40,"resolved_model":"claude-haiku-4-5","simulated":false,\
            "cost_basis":"cli"}""");
  }

  @ParameterizedTest
  @CsvSource({"0E-10, 0.0000000000", "1E+3, 1000", "1.5E-9, 0.0000000015", "0, 0"})
  void amountsAreDecimalsWithoutExponent(String cost, String written) {
    assertThat(json(Samples.answered(GRANT, cost)))
        .contains("\"estimated_cost_usd\":" + written + ",");
  }

  @Test
  void aLineComesBackFromTheIndexAsItWas() {
    LedgerLine line = LedgerLine.of(Samples.answered(GRANT, "0.10"));

    var read = Codec.mapper().readValue(Codec.mapper().writeValueAsBytes(line), LedgerLine.class);

    assertThat(read).isEqualTo(line);
    assertThat(line.tokens()).isEqualTo(30);
    assertThat(line.date()).isEqualTo("2026-03-01");
  }

  @Test
  void aDayIsADayInUtc() {
    assertThat(LedgerLine.date(Instant.parse("2026-03-01T23:59:59.999999999Z")))
        .isEqualTo("2026-03-01");
    assertThat(LedgerLine.date(Instant.parse("2026-03-02T00:00:00Z"))).isEqualTo("2026-03-02");
  }

  @Test
  void everyStepThatEndsACallHasALine() {
    CallEnded call = Samples.crashed(GRANT);

    assertThat(LedgerLine.callIn(call)).contains(call);
    assertThat(LedgerLine.callIn(Samples.fallenBack(ROUTED, "sonnet", call))).contains(call);
    assertThat(LedgerLine.callIn(Samples.succeeded(ROUTED, call))).contains(call);
  }

  @Test
  void otherStepsHaveNone() {
    assertThat(LedgerLine.callIn(ROUTED)).isEmpty();
    assertThat(LedgerLine.callIn(GRANT)).isEmpty();
    assertThat(LedgerLine.callIn(ROUTED.accepted())).isEmpty();
    assertThat(LedgerLine.callIn(Samples.endedWithoutCall("task-1", TaskState.EXPIRED))).isEmpty();
  }

  private static String json(CallEnded call) {
    return new String(Codec.mapper().writeValueAsBytes(LedgerLine.of(call)), UTF_8);
  }
}
