package dev.symbiont.ledger.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.LedgerAnswer.Calls;
import dev.symbiont.contract.LedgerAnswer.TokenSum;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.TaskState;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.arbiter.TaskRecord;
import dev.symbiont.ledger.journal.ChainedLog.Mark;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.journal.Span;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Calls over three days, some of them corrected, by tasks with and without labels and keys. Sums
/// are held against those over all lines.
class TotalsTest {

  private static final long SEED = 7;
  private static final int CALLS = 600;
  private static final Duration DAYS = Duration.ofDays(3);
  private static final List<String> TIERS = List.of("haiku", "sonnet", "opus");

  @TempDir private Path folder;
  private final Random random = new Random(SEED);
  private final Map<String, TaskRecord> tasks = new LinkedHashMap<>();

  /// The last line of each call.
  private final Map<String, LedgerLine> lines = new LinkedHashMap<>();

  private Index index;

  @BeforeEach
  void fill() {
    index = Index.open(folder.resolve("index.db"));
    var stretch = new ArrayList<Index.Call>();
    for (int number = 1; number <= CALLS; number++) {
      LedgerLine line = line("task-%d/call.1".formatted(random.nextInt(CALLS)));
      lines.put(line.callId(), line);
      tasks.computeIfAbsent(line.taskId(), this::task);
      stretch.add(new Index.Call(number, line, new Span(number, 1)));
      if (random.nextInt(20) == 0 || number == CALLS) {
        index.commit(
            List.copyOf(tasks.values()), stretch, List.of(), List.of(), List.of(), Mark.START);
        stretch.clear();
      }
    }
    assertThat(lines).as("some are corrected").hasSizeLessThan(CALLS);
  }

  @AfterEach
  void close() {
    index.close();
  }

  @Test
  void callsAddUpByEverything() {
    Map<String, Function<LedgerLine, String>> questions =
        Map.of(
            "model", LedgerLine::model,
            "tier", LedgerLine::tier,
            "purpose", it -> it.purpose().wire(),
            "outcome", LedgerLine::outcome,
            "day", it -> it.timestamp().substring(0, 10),
            "hour", it -> it.timestamp().substring(0, 13),
            "day,tier", it -> it.timestamp().substring(0, 10) + "," + it.tier(),
            "hour,tier", it -> it.timestamp().substring(0, 13) + "," + it.tier(),
            "label:team", it -> labels(it).getOrDefault("team", ""),
            "label:nobody's", _ -> "");

    for (String owner : new String[] {null, "key1", "key2", "unknown"}) {
      questions.forEach(
          (what, group) ->
              assertThat(index.callsBy(what, owner))
                  .as("%s, of %s", what, owner)
                  .isEqualTo(
                      lines.values().stream()
                          .filter(it -> isOf(owner, it))
                          .collect(
                              Collectors.toMap(
                                  group,
                                  it -> new Calls(1, it.estimatedCostUsd()),
                                  TotalsTest::plus))));
    }
  }

  @Test
  void tokensAddUpBetweenAnyTwoMoments() {
    for (int i = 0; i < 200; i++) {
      Instant since = i % 5 == 0 ? null : moment();
      Instant until = i % 7 == 0 ? null : i % 11 == 0 && since != null ? since : moment();
      String owner = i % 3 == 0 ? "key1" : null;

      var answer = index.tokens(new LedgerQuery.Tokens("q", "r", since, until, owner));

      List<LedgerLine> wanted =
          lines.values().stream()
              .filter(it -> isOf(owner, it))
              .filter(it -> since == null || !Instant.parse(it.timestamp()).isBefore(since))
              .filter(it -> until == null || Instant.parse(it.timestamp()).isBefore(until))
              .toList();
      assertThat(answer.sums())
          .as("from %s to %s, of %s", since, until, owner)
          .containsExactlyInAnyOrderElementsOf(sums(wanted));
    }
  }

  @Test
  void itSaysWhenTheFirstCallEnded() {
    var everything = new LedgerQuery.Tokens("q", "r", null, null, null);

    assertThat(index.tokens(everything).since())
        .isEqualTo(
            lines.values().stream()
                .map(it -> Instant.parse(it.timestamp()))
                .min(Instant::compareTo)
                .orElseThrow());
  }

  private static List<TokenSum> sums(List<LedgerLine> lines) {
    var sums = new TreeMap<String, TokenSum>();
    for (LedgerLine it : lines) {
      sums.merge(
          it.tier() + it.purpose(),
          new TokenSum(
              it.tier(),
              it.purpose(),
              1,
              it.inputTokens(),
              it.outputTokens(),
              it.cacheWriteTokens(),
              it.cacheReadTokens(),
              it.estimatedCostUsd()),
          (a, b) ->
              new TokenSum(
                  a.tier(),
                  a.purpose(),
                  a.calls() + b.calls(),
                  a.inputTokens() + b.inputTokens(),
                  a.outputTokens() + b.outputTokens(),
                  a.cacheWriteTokens() + b.cacheWriteTokens(),
                  a.cacheReadTokens() + b.cacheReadTokens(),
                  a.costUsd().add(b.costUsd())));
    }
    return List.copyOf(sums.values());
  }

  private static Calls plus(Calls a, Calls b) {
    return new Calls(a.calls() + b.calls(), a.cost().add(b.cost()));
  }

  private boolean isOf(@Nullable String owner, LedgerLine line) {
    return owner == null || owner.equals(labels(line).get(AccessKey.LABEL));
  }

  private Map<String, String> labels(LedgerLine line) {
    return Objects.requireNonNull(tasks.get(line.taskId())).labels();
  }

  private Instant moment() {
    Instant moment = Samples.NOON.plusSeconds(random.nextLong(DAYS.toSeconds()));
    // Now and then a full hour.
    return random.nextInt(4) == 0 ? moment.truncatedTo(ChronoUnit.HOURS) : moment;
  }

  private TaskRecord task(String id) {
    var labels = new TreeMap<String, String>();
    if (random.nextBoolean()) {
      labels.put("team", List.of("red", "blue", "").get(random.nextInt(3)));
    }
    if (random.nextBoolean()) {
      labels.put(AccessKey.LABEL, "key" + (1 + random.nextInt(2)));
    }
    return new TaskRecord(
        id,
        TaskState.SUCCEEDED,
        "the prompt",
        labels,
        Map.of(),
        "haiku",
        1,
        0,
        null,
        false,
        null,
        Samples.NOON,
        null,
        List.of(),
        null,
        null,
        null,
        0,
        0,
        null,
        false,
        null,
        false);
  }

  private LedgerLine line(String callId) {
    String tier = TIERS.get(random.nextInt(TIERS.size()));
    boolean success = random.nextInt(5) > 0;
    return new LedgerLine(
        LedgerLine.timestamp(moment()),
        tier,
        success,
        BigDecimal.ONE,
        random.nextInt(1000),
        random.nextInt(1000),
        new BigDecimal("0.000%03d".formatted(1 + random.nextInt(999))),
        "the prompt",
        callId,
        callId.substring(0, callId.indexOf('/')),
        tier,
        random.nextInt(3) == 0 ? Purpose.CLASSIFICATION : Purpose.TASK,
        1,
        success ? "answered" : "crashed",
        "worker-1",
        random.nextInt(1000),
        random.nextInt(1000),
        null,
        true,
        CostBasis.PRICES);
  }
}
