package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.wire.Codec;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameTest {

  private static final Instant NOW = Instant.parse("2026-01-31T12:00:30Z");
  private static final Terminal PLAIN = Terminal.of("out", 0, Map.of("NO_COLOR", "1"));

  @Test
  void everythingIsThereWhereThereIsRoom() {
    assertThat(text(frame(5).lines()))
        .contains("gateway up 1m01s", "broker ok", "ledger ok", "http://127.0.0.1:8111")
        .contains("queued 7  running 2  parked 4  set aside 3  workers 5")
        .contains("today $0.500000 in 40 calls, 2 failed")
        .contains("this hour $0.250000  hour before $0.125000")
        .containsPattern("haiku +open +- +2 +3 +0 +11/600 +40 +2 +\\$0\\.250000 +\\$0\\.500000\n")
        .containsPattern("opus +limited +1m30s +0 +0 +4 +0/120 .* no more today")
        .contains("budget label:team=red  $0.100000 of $1.000000 today")
        .containsPattern("dispatcher +1 +1h00m +2s ago +dispatcher-0")
        .containsPattern("task-4 +succeeded +haiku +30s +\\$0\\.000100 +prompt 4 会議");
  }

  @ParameterizedTest
  @CsvSource({
    "140, 40", "100, 30", "80, 24", "80, 16", "60, 15", "40, 10", "20, 5", "3, 2", "1, 1"
  })
  void itFitsIntoTheTerminal(int columns, int rows) {
    for (int tasks : List.of(0, 1, 100)) {
      for (Terminal terminal : List.of(PLAIN, Terminal.of("out", 0, Map.of()))) {
        List<String> lines = frame(tasks, null, terminal.wide(columns)).lines(rows);

        assertThat(lines).hasSizeLessThanOrEqualTo(rows);
        assertThat(lines).allSatisfy(it -> assertThat(Columns.of(it)).isLessThanOrEqualTo(columns));
      }
    }
  }

  @Test
  void itSaysWhatItCuts() {
    assertThat(frame(100, null, PLAIN.wide(100)).lines(30))
        .hasSize(30)
        .anyMatch(it -> it.matches("… \\d+ more, and older ones"))
        .last()
        .isEqualTo("q quit   p pause or go on");
    assertThat(frame(4, null, PLAIN.wide(40)).lines(11)).last().isEqualTo("… 2 more");
  }

  @Test
  void aSmallTerminalShowsWhatMattersMost() {
    assertThat(frame(9, null, PLAIN.wide(40)).lines(11))
        .containsSequence(
            "TIER   STATE    RESET  RUNNING  QUEUED",
            "haiku  open         -        2       3",
            "opus   limited  1m30s        0       0");
  }

  @Test
  void aGatewayThatHasGoneLeavesTheLastPicture() {
    var gone = new Frame.Trouble(NOW.minusSeconds(70), "no gateway at http://127.0.0.1:8111");

    assertThat(text(frame(1, gone, PLAIN).lines()))
        .contains("gateway gone  broker -  ledger -")
        .contains("(1m10s): no gateway at http://127.0.0.1:8111")
        .contains("haiku", "task-0");
    assertThat(text(new Frame(null, gone, false, NOW, PLAIN.wide(80)).lines(24)))
        .contains("no gateway at")
        .contains("q quit");
  }

  @Test
  void whatDoesNotWorkIsSaid() {
    var answers =
        Codec.mapper()
            .readTree(
                """
                {"at": "2026-01-31T12:00:30Z", "ledger_at": "2026-01-31T12:00:10Z",
                 "ready": {"status": "down", "problems": ["no connection to the broker"]},
                 "status": {"status": "degraded: no ledger-writer answers", "api_uptime_seconds": 1},
                 "refused": {"set_aside": "this key may not"}}
                """);

    var frame = new Frame(new Snapshot(NOW, answers), null, true, NOW, PLAIN);

    assertThat(text(frame.lines()))
        .contains("broker away", "ledger away", "PAUSED")
        .contains("no connection to the broker", "no ledger-writer answers")
        .contains("set_aside: this key may not");
  }

  @Test
  void promptsDoNothingToATerminal() {
    assertThat(text(frame(1).lines())).doesNotContain("\u001b", "\u0007").contains("[2J");
    assertThat(text(frame(1, null, Terminal.of("out", 0, Map.of())).lines()))
        .contains("\u001b[32msucceeded\u001b[0m")
        .doesNotContain("\u001b[2J");
  }

  private static String text(List<String> lines) {
    return String.join("\n", lines);
  }

  private static Frame frame(int tasks) {
    return frame(tasks, null, PLAIN);
  }

  private static Frame frame(int tasks, Frame.@Nullable Trouble trouble, Terminal terminal) {
    return new Frame(
        new Snapshot(NOW, Codec.mapper().readTree(answers(tasks))), trouble, false, NOW, terminal);
  }

  private static String answers(int tasks) {
    return """
    {"at": "2026-01-31T12:00:30Z", "ledger_at": "2026-01-31T12:00:30Z",
     "gateway": "http://127.0.0.1:8111", "ready": {"status": "up"}, "set_aside": 3, "refused": {},
     "status": {"status": "healthy", "api_uptime_seconds": 61, "queue_size": 7, "running": 2,
      "haiku_usage": {"calls_today": 40}, "opus_usage": {"calls_today": 0}, "workers": [%s]},
     "tiers": {"tiers": [
       {"state": {"tier": "haiku", "phase": "open"}, "rate": {"calls": 600}, "rate_used": 11,
        "waiting": 3, "parked": 0, "running": 2, "spent_today_usd": 0.5},
       {"state": {"tier": "opus", "phase": "limited", "until": "2026-01-31T12:02:00Z",
        "reason": "no more today"}, "rate": {"calls": 120}, "rate_used": 0,
        "waiting": 0, "parked": 4, "running": 0, "spent_today_usd": 0}],
      "budgets": [{"scope": "label:team=red", "usd_per_day": 1, "spent_today_usd": 0.1}]},
     "spend": {"groups": {"2026-01-31T12,haiku": {"calls": 20, "cost": 0.25},
      "2026-01-31T11,haiku": {"calls": 20, "cost": 0.125}}},
     "failed": {"by_tier": {"haiku": 2}, "more": false},
     "tasks": {"tasks": [%s]%s}}
    """
        .formatted(
            IntStream.range(0, 5)
                .mapToObj(
                    """
                    {"role": "dispatcher", "worker": "dispatcher-%d", "running": ["a"],
                     "started_at": "2026-01-31T11:00:30Z", "at": "2026-01-31T12:00:28Z"}"""
                        ::formatted)
                .collect(Collectors.joining(",")),
            IntStream.range(0, tasks)
                .mapToObj(
                    """
                    {"id": "task-%d", "status": "succeeded", "tier": "haiku", "cost_usd": 0.0001,
                     "created_at": "2026-01-31T12:00:00Z",
                     "preview": "prompt %1$d 会議は金曜日に移動しました 🎉 \\u001b[2J\\u0007 and more of it"}"""
                        ::formatted)
                .collect(Collectors.joining(",")),
            tasks < 100 ? "" : ", \"next\": \"more\"");
  }
}
