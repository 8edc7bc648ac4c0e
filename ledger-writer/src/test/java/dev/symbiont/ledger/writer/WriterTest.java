package dev.symbiont.ledger.writer;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.CancelVerdict;
import dev.symbiont.contract.LedgerAnswer.LetterVerdict;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.ledger.Samples;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WriterTest {

  @TempDir Path folder;
  private LedgerFiles files;

  @BeforeEach
  void nameTheFiles() {
    files = new LedgerFiles(folder);
  }

  @Test
  void aBatchWithDuplicatesIsWrittenOnce() throws IOException {
    List<Incoming> once = Life.of("task-1", "0.01").happened();
    var batch = new ArrayList<>(once);
    batch.addAll(once);

    try (Writer writer = open()) {
      writer.write(batch);
    }

    assertThat(Files.readAllLines(files.journal())).hasSize(4);
    assertThat(Files.readAllLines(files.ledger())).hasSize(1);
  }

  @Test
  void theSameEventsAHundredTimesGiveOneLineEach() throws IOException {
    var events = new ArrayList<Incoming>();
    for (int i = 0; i < 10; i++) {
      events.addAll(Life.of("task-" + i, "0.01").happened());
    }

    try (Writer writer = open()) {
      for (int i = 0; i < 50; i++) {
        writer.write(events);
      }
    }
    try (Writer writer = open()) {
      for (int i = 0; i < 50; i++) {
        Collections.rotate(events, 7);
        writer.write(events);
      }
    }

    assertThat(Files.readAllLines(files.journal())).hasSize(40).doesNotHaveDuplicates();
    assertThat(Files.readAllLines(files.ledger())).hasSize(10).doesNotHaveDuplicates();
  }

  @Test
  void aGrantIsOnDiskBeforeItIsAnswered() throws IOException {
    RoutedTask work = Samples.routed("task-1");
    GrantRequest request = Samples.request(work, "ask-1", "worker-1");

    try (Writer writer = open()) {
      List<Reaction> reactions =
          writer.write(List.of(new Incoming.Happened(work), new Incoming.Asked(request)));

      assertThat(reactions)
          .containsExactly(
              new Reaction.Answer(
                  new GrantAnswer.Granted(
                      "ask-1", "task-1/call.1", Samples.START_WITHIN, Spent.NOTHING),
                  "reply.worker-1"));
      assertThat(Files.readAllLines(files.journal()).get(1))
          .startsWith("{\"event_id\":\"task-1/call.1/granted\"");
      assertThat(Files.exists(files.ledger())).isTrue();
      assertThat(Files.readAllLines(files.ledger())).isEmpty();
    }
  }

  @Test
  void aRepeatedRequestGetsTheSameGrantFromTheNextWriter() throws IOException {
    RoutedTask work = Samples.routed("task-1");
    var request = new Incoming.Asked(Samples.request(work, "ask-1", "worker-1"));
    List<Reaction> first;
    try (Writer writer = open()) {
      first = writer.write(List.of(new Incoming.Happened(work), request));
    }

    List<Reaction> second;
    try (Writer writer = open()) {
      second = writer.write(List.of(request));
    }

    assertThat(second).isEqualTo(first);
    assertThat(Files.readAllLines(files.journal())).hasSize(2);
  }

  @Test
  void whoAsksForAnEndedTaskGetsItsEnd() throws IOException {
    Life life = Life.of("task-1", "0.01");

    try (Writer writer = open()) {
      writer.write(life.happened());
      var request = Samples.request(life.routed(), "ask-9", "worker-2");
      List<Reaction> reactions = writer.write(List.of(new Incoming.Asked(request)));

      assertThat(reactions)
          .containsExactly(
              new Reaction.Answer(new GrantAnswer.Finished("ask-9", life.end()), "reply.worker-2"));
    }
  }

  @Test
  void anAnswerMayNeedALineOfItsOwnBatch() throws IOException {
    Life life = Life.of("task-1", "0.01");
    var batch = new ArrayList<>(life.happened());
    batch.add(new Incoming.Asked(Samples.request(life.routed(), "ask-9", "worker-2")));

    try (Writer writer = open()) {
      assertThat(writer.write(batch))
          .containsExactly(
              new Reaction.Answer(new GrantAnswer.Finished("ask-9", life.end()), "reply.worker-2"));
    }
  }

  @Test
  void aCancelledTaskEndsAndItsCallerIsTold() throws IOException {
    var reply = new Reply("reply.gateway-1", "own.queue", "c-1");
    AcceptedTask task = Samples.accepted("task-1", "prompt", reply);
    var cancel = new LedgerQuery.Cancel("q-1", "reply.gateway-2", "task-1");

    List<Reaction> reactions;
    try (Writer writer = open()) {
      writer.write(List.of(new Incoming.Happened(Samples.routed(task, "haiku"))));
      reactions = writer.write(List.of(new Incoming.Cancellation(cancel)));
    }

    assertThat(reactions).hasSize(2);
    assertThat(reactions.getFirst())
        .isInstanceOfSatisfying(
            Reaction.Ended.class,
            it -> {
              assertThat(it.end().state()).isEqualTo(TaskState.CANCELLED);
              assertThat(it.end().endedAt()).isEqualTo(NOON);
              assertThat(it.reply()).isEqualTo(reply);
            });
    assertThat(reactions.getLast())
        .isEqualTo(
            new Reaction.Answer(
                new LedgerAnswer.Cancel("q-1", CancelVerdict.CANCELLED), "reply.gateway-2"));
    assertThat(Files.readAllLines(files.journal())).hasSize(2);
  }

  @Test
  void aReplayOpensTheTaskAgainAndItsNextEndCounts() throws IOException {
    Life life = Life.of("task-1", "0.01");
    RoutedTask routed = life.routed();
    var aside =
        new TaskEnded(
            "task-1", TaskState.SET_ASIDE, "why", null, List.of(), null, BigDecimal.ZERO, NOON, 0);
    var replay = new LedgerQuery.Replay("q-1", "reply.g", "task-1", "opus", "another prompt");

    try (Writer writer = open()) {
      // All of it in one batch: what the replay reads is not on disk yet.
      List<Reaction> reactions =
          writer.write(
              List.of(
                  new Incoming.Happened(routed),
                  new Incoming.Happened(aside),
                  new Incoming.Replay(replay)));
      RoutedTask again =
          reactions.stream()
              .filter(Reaction.GoesOn.class::isInstance)
              .map(it -> ((Reaction.GoesOn) it).task())
              .findFirst()
              .orElseThrow();
      assertThat(again.tier()).isEqualTo("opus");
      assertThat(again.attempt()).isEqualTo(2);
      assertThat(again.replay()).isEqualTo(1);
      assertThat(again.prompt()).isEqualTo("another prompt");
      assertThat(reactions)
          .contains(
              new Reaction.Settled("task-1", 0),
              new Reaction.Answer(new LedgerAnswer.Replay("q-1", LetterVerdict.DONE), "reply.g"));

      // An end from before the replay comes late, and changes nothing.
      writer.write(List.of(new Incoming.Happened(life.end())));
      assertThat(state("task-1")).isEqualTo(TaskState.ROUTED);

      var end =
          new TaskEnded(
              "task-1", TaskState.SET_ASIDE, "so", null, List.of(), null, BigDecimal.ZERO, NOON, 1);
      writer.write(List.of(new Incoming.Happened(end)));
      assertThat(state("task-1")).isEqualTo(TaskState.SET_ASIDE);
    }
  }

  @Test
  void onlyWhatIsSetAsideCanBeReplayed() throws IOException {
    try (Writer writer = open()) {
      writer.write(Life.of("task-1", "0.01").happened());

      assertThat(replay(writer, "task-1")).isEqualTo(LetterVerdict.NOT_SET_ASIDE);
      assertThat(replay(writer, "task-2")).isEqualTo(LetterVerdict.UNKNOWN);
    }
  }

  @Test
  void theCallerOfATaskThatARoleSetsAsideIsTold() throws IOException {
    var reply = new Reply("reply.gateway-1", null, null);
    AcceptedTask task = Samples.accepted("task-1", "prompt", reply);
    var aside = new SetAside("task-1", "task-1/set_aside", "queue", "why", NOON, 1, "x", 0);

    try (Writer writer = open()) {
      List<Reaction> reactions =
          writer.write(
              List.of(
                  new Incoming.Happened(task),
                  new Incoming.Happened(aside),
                  new Incoming.Happened(aside)));

      // The second copy came because the first was not acknowledged, so nobody may have been told.
      assertThat(reactions)
          .hasSize(2)
          .allSatisfy(
              it -> {
                var told = (Reaction.Told) it;
                assertThat(told.reply()).isEqualTo(reply);
                assertThat(told.end().reason()).isEqualTo("why");
              });
    }
  }

  @Test
  void aTaskWithoutACallIsCancelledAndOneWithACallIsStopped() throws IOException {
    Life ended = Life.of("task-1", "0.01");
    RoutedTask running = Samples.routed("task-2");

    try (Writer writer = open()) {
      writer.write(ended.happened());
      writer.write(
          List.of(
              new Incoming.Happened(running),
              new Incoming.Asked(Samples.request(running, "ask-1", "worker-1"))));

      assertThat(cancel(writer, "task-1")).isEqualTo(CancelVerdict.ENDED);
      assertThat(cancel(writer, "task-2")).isEqualTo(CancelVerdict.STOPPING);
      assertThat(cancel(writer, "task-3")).isEqualTo(CancelVerdict.UNKNOWN);
    }
    assertThat(Files.readAllLines(files.journal())).hasSize(7);
  }

  /// The dispatcher tells of its end, and nobody else may before.
  @Test
  void aTaskWhoseCallWasRefusedForGoodIsNotEndedASecondTimeByACancellation() throws IOException {
    RoutedTask work = Samples.routed("task-1");
    GrantRequest r = Samples.request(work, "ask-1", "worker-1");
    var late =
        new GrantRequest(
            r.requestId(),
            r.replyKey(),
            r.taskId(),
            r.purpose(),
            r.tier(),
            r.attempt(),
            r.waits(),
            r.tryNumber(),
            r.worker(),
            r.redelivered(),
            r.priority(),
            NOON.minusSeconds(1),
            r.maxCostUsd(),
            r.labels(),
            r.promptPreview());
    var end =
        new TaskEnded(
            "task-1",
            TaskState.EXPIRED,
            "too late",
            null,
            List.of(),
            null,
            BigDecimal.ZERO,
            NOON,
            0);

    try (Writer writer = open()) {
      writer.write(List.of(new Incoming.Happened(work), new Incoming.Asked(late)));
      assertThat(cancel(writer, "task-1")).isEqualTo(CancelVerdict.STOPPING);
      writer.write(List.of(new Incoming.Happened(end)));
      assertThat(cancel(writer, "task-1")).isEqualTo(CancelVerdict.ENDED);
    }
    assertThat(Files.readAllLines(files.journal()))
        .filteredOn(it -> it.contains("symbiont.ended.v1"))
        .hasSize(1);
  }

  @Test
  void theCallOfASilentWorkerIsEndedAsUnknownAndCorrectedByItsOwnEnd() throws IOException {
    RoutedTask work = Samples.routed("task-1");
    GrantRequest request = Samples.request(work, "ask-1", "worker-1");
    TaskEnded late = Samples.succeeded(work, Samples.answered(Samples.granted(request, 1), "0.02"));

    try (Writer writer = open()) {
      writer.write(List.of(new Incoming.Happened(work), new Incoming.Asked(request)));
      for (int i = 0; i < 5; i++) {
        writer.write(List.of(new Incoming.Beat(Samples.beat("ledger-1"))));
      }
      assertThat(Files.readAllLines(files.ledger()))
          .singleElement()
          .asString()
          .contains("\"outcome\":\"unknown\"", "\"estimated_cost_usd\":0.008");
      writer.write(List.of(new Incoming.Happened(late), new Incoming.Happened(late)));
    }

    assertThat(Files.readAllLines(files.ledger())).hasSize(2);
    try (Queries queries = queries()) {
      LedgerAnswer.Stats stats = queries.answer(new LedgerQuery.Stats("q", "r", null, null));
      assertThat(stats.totalCalls()).isEqualTo(1);
      assertThat(stats.totalCostUsd()).isEqualByComparingTo("0.02");
    }
  }

  @Test
  void theFilesCanBeReadByTheirOwnerAlone() throws IOException {
    try (Writer writer = open()) {
      writer.write(Life.of("task-1", "0.01").happened());
    }

    for (Path file : List.of(files.journal(), files.ledger())) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .as(file.toString())
          .isEqualTo("rw-------");
    }
  }

  @Test
  void everyFileCanBeReadByItsOwnerAlone() throws IOException {
    try (Writer writer = open()) {
      writer.write(Life.of("task-1", "0.01").happened());
      try (Stream<Path> all = Files.list(folder)) {
        assertThat(all.toList())
            .allSatisfy(
                it ->
                    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(it)))
                        .as(it.toString())
                        .isEqualTo("rw-------"));
      }
    }
  }

  @Test
  void costsAddUpExactly() throws IOException {
    var random = new java.util.Random(4711);
    BigDecimal total = new BigDecimal("0.007175999999999998");
    var batch = new ArrayList<>(Life.of("task-0", total.toPlainString()).happened());
    for (int i = 1; i <= 1_000; i++) {
      BigDecimal cost = BigDecimal.valueOf(random.nextInt(1_000_000_000), random.nextInt(18));
      total = total.add(cost);
      batch.addAll(Life.of("task-" + i, cost.toPlainString()).happened());
    }

    try (Writer writer = open()) {
      writer.write(batch.subList(0, 2_000));
      writer.write(batch.subList(2_000, batch.size()));
    }

    try (Queries queries = queries()) {
      LedgerAnswer.Stats stats = queries.answer(new LedgerQuery.Stats("q", "r", null, null));
      assertThat(stats.totalCalls()).isEqualTo(1_001);
      assertThat(stats.totalCostUsd()).isEqualByComparingTo(total);
      assertThat(stats.byModel().get("haiku")).isNotNull();
      assertThat(stats.byDate()).containsOnlyKeys("2026-03-01");
    }
  }

  private TaskState state(String task) throws IOException {
    try (Queries queries = queries()) {
      var found = queries.answer(new LedgerQuery.TaskById("q", "r", task)).task();
      return Objects.requireNonNull(found).state();
    }
  }

  private static LetterVerdict replay(Writer writer, String task) throws IOException {
    var query = new LedgerQuery.Replay("q", "r", task, null, null);
    var answer = (Reaction.Answer) writer.write(List.of(new Incoming.Replay(query))).getFirst();
    return ((LedgerAnswer.Replay) answer.answer()).verdict();
  }

  private static CancelVerdict cancel(Writer writer, String id) throws IOException {
    var query = new LedgerQuery.Cancel("q", "reply.gateway-1", id);
    return writer.write(List.of(new Incoming.Cancellation(query))).stream()
        .filter(Reaction.Answer.class::isInstance)
        .map(it -> ((LedgerAnswer.Cancel) ((Reaction.Answer) it).answer()).verdict())
        .findFirst()
        .orElseThrow();
  }

  private Writer open() throws IOException {
    var writer =
        new Writer(
            files,
            Samples.TIERS,
            InstantSource.fixed(NOON),
            Samples.RULES,
            "ledger-1",
            Lag.NONE,
            Samples.FIGURES);
    assertThat(writer.write(List.of(new Incoming.Tick())))
        .allSatisfy(first -> assertThat(first).isInstanceOf(Reaction.TierChanged.class));
    return writer;
  }

  private Queries queries() {
    return new Queries(files, InstantSource.fixed(NOON), List::of, Samples.ALL_OPEN);
  }
}
