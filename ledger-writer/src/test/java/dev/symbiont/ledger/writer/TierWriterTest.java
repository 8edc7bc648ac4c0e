package dev.symbiont.ledger.writer;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TierState.Phase;
import dev.symbiont.contract.TriedTier;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.arbiter.Backoff;
import dev.symbiont.ledger.index.Index;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Tiers that close and open, tasks that wait for them, and calls that nobody wants any more.
class TierWriterTest {

  private static final Instant RESET = NOON.plusSeconds(60);

  @TempDir Path folder;
  private final RoutedTask work =
      Samples.routed(Samples.accepted("task-1", "do it", REPLY), "haiku");
  private final GrantRequest request = Samples.request(work, "ask-1", "worker-1");
  private final CallGranted call = Samples.granted(request, 1);
  private Instant now = NOON;
  private LedgerFiles files;
  private Writer writer;

  private static final Reply REPLY = new Reply("reply.gateway-1", null, null);

  @BeforeEach
  void open() throws IOException {
    files = new LedgerFiles(folder);
    writer =
        new Writer(
            files, Samples.TIERS, () -> now, Samples.RULES, "ledger-1", Lag.NONE, Samples.FIGURES);
    writer.write(List.of(new Incoming.Tick()));
  }

  @AfterEach
  void close() throws IOException {
    writer.close();
  }

  @Test
  void everybodyIsToldWhenATierClosesAndWhenItsTimeHasCome() throws IOException {
    List<Reaction> closed = limit();
    assertThat(closed).first().isEqualTo(new Reaction.TierChanged(state(Phase.LIMITED)));
    assertThat(writer.nextOpening()).contains(opening());
    assertThat(writer.write(List.of(new Incoming.Tick()))).isEmpty();

    now = opening();

    assertThat(writer.write(List.of(new Incoming.Tick())))
        .containsExactly(new Reaction.TierChanged(state(Phase.PROBING)));
    assertThat(writer.tiers().wantProbe()).containsExactly("haiku");
    assertThat(writer.nextOpening()).isEmpty();
  }

  @Test
  void aClosedTierIsStillClosedAfterARestartAndAfterTheIndexWasBuiltAnew() throws IOException {
    limit();
    TierState before = writer.tiers().of("haiku").orElseThrow();
    writer.close();
    try (var _ = Index.open(files.index())) {
      Writer.reindex(files, Backoff.DEFAULT);
    }

    writer =
        new Writer(
            files, Samples.TIERS, () -> now, Samples.RULES, "ledger-1", Lag.NONE, Samples.FIGURES);

    assertThat(writer.tiers().of("haiku")).contains(before);
  }

  @Test
  void whatAnOperatorDidToATierStandsInTheJournal() throws IOException {
    var query = new LedgerQuery.SetTier("q-1", "reply.gateway-1", "haiku", TierSet.Action.PAUSE);

    List<Reaction> reactions = writer.write(List.of(new Incoming.TierSetting(query)));

    assertThat(reactions)
        .containsExactly(
            new Reaction.TierChanged(state(Phase.PAUSED)),
            new Reaction.Answer(
                new LedgerAnswer.SetTier("q-1", state(Phase.PAUSED)), "reply.gateway-1"));
    assertThat(Files.readString(files.journal())).contains("symbiont.tier-set.v1", "pause");
    writer.close();
    writer =
        new Writer(
            files, Samples.TIERS, () -> now, Samples.RULES, "ledger-1", Lag.NONE, Samples.FIGURES);
    assertThat(writer.tiers().of("haiku").orElseThrow().phase()).isEqualTo(Phase.PAUSED);
  }

  @Test
  void aTierThatDoesNotExistIsNotSet() throws IOException {
    var query = new LedgerQuery.SetTier("q-1", "reply.gateway-1", "gpt", TierSet.Action.WAKE);

    assertThat(writer.write(List.of(new Incoming.TierSetting(query))))
        .containsExactly(
            new Reaction.Answer(new LedgerAnswer.SetTier("q-1", null), "reply.gateway-1"));
    assertThat(Files.size(files.journal())).isZero();
  }

  @Test
  void aTaskThatWaitsIsShownAsWaitingUntilItIsCalled() throws IOException {
    limit();
    var tried = new TriedTier("haiku", "limited", "limit", BigDecimal.ZERO, 0);
    RoutedTask waiting = work.waitFor("haiku", RESET, "you have hit your limit", tried, null);

    List<Reaction> reactions = writer.write(List.of(new Incoming.Happened(waiting)));

    assertThat(reactions).containsExactly(new Reaction.Parked("haiku", RESET));
    try (Queries queries = queries()) {
      TaskView shown = shown(queries, "task-1");
      assertThat(shown.state()).isEqualTo(TaskState.WAITING);
      assertThat(shown.waitsUntil()).isEqualTo(RESET);
      assertThat(shown.reason()).isEqualTo("you have hit your limit");
    }
    now = opening();
    writer.write(List.of(new Incoming.Asked(Samples.request(waiting, "ask-2", "worker-1"))));
    try (Queries queries = queries()) {
      assertThat(shown(queries, "task-1").state()).isEqualTo(TaskState.RUNNING);
    }
  }

  @Test
  void aTaskInTheQueueOfAClosedTierIsShownAsWaiting() throws IOException {
    limit();
    writer.write(List.of(new Incoming.Happened(Samples.routed("task-2"))));

    try (Queries queries = queries()) {
      TaskView shown = shown(queries, "task-2");
      assertThat(shown.state()).isEqualTo(TaskState.WAITING);
      assertThat(shown.waitsUntil()).isEqualTo(opening());
    }
  }

  @Test
  void theWorkerIsToldToStopUntilTheCallHasEndedAndThenTheTaskIsCancelled() throws IOException {
    writer.write(List.of(new Incoming.Happened(work), new Incoming.Asked(request)));
    var stop = new Reaction.Stop("worker-1", new StopCall("task-1/call.1"));

    assertThat(writer.write(List.of(cancellation()))).contains(stop);
    assertThat(writer.write(List.of(ownBeat()))).containsExactly(stop);
    List<Reaction> atTheEnd =
        writer.write(
            List.of(
                new Incoming.Happened(
                    Samples.ended(call, new Outcome.Cancelled("stopped"), "0.003"))));

    assertThat(atTheEnd)
        .singleElement()
        .isInstanceOfSatisfying(
            Reaction.Ended.class,
            ended -> {
              assertThat(ended.end().state()).isEqualTo(TaskState.CANCELLED);
              assertThat(ended.end().totalCostUsd()).isEqualByComparingTo("0.003");
              assertThat(ended.reply()).isEqualTo(REPLY);
            });
    assertThat(writer.write(List.of(ownBeat()))).isEmpty();
  }

  @Test
  void aTaskIsCancelledAlsoWhenTheWorkerOfItsLastCallFallsSilent() throws IOException {
    writer.write(List.of(new Incoming.Happened(work), new Incoming.Asked(request)));
    writer.write(List.of(cancellation()));

    for (int i = 0; i < 5; i++) {
      writer.write(List.of(ownBeat()));
    }

    assertThat(Files.readString(files.journal()))
        .contains("task-1/call.1/unknown", "task-1/cancelled");
  }

  @Test
  void anAnswerThatComesFirstIsKept() throws IOException {
    writer.write(List.of(new Incoming.Happened(work), new Incoming.Asked(request)));
    writer.write(List.of(cancellation()));

    writer.write(
        List.of(new Incoming.Happened(Samples.succeeded(work, Samples.answered(call, "0.01")))));

    try (Queries queries = queries()) {
      assertThat(shown(queries, "task-1").state()).isEqualTo(TaskState.SUCCEEDED);
    }
  }

  private List<Reaction> limit() throws IOException {
    return writer.write(
        List.of(
            new Incoming.Happened(work),
            new Incoming.Happened(call),
            new Incoming.Happened(Samples.limited(call, RESET))));
  }

  private TierState state(Phase phase) {
    TierState state = writer.tiers().of("haiku").orElseThrow();
    assertThat(state.phase()).isEqualTo(phase);
    return state;
  }

  private Instant opening() {
    Instant until = Objects.requireNonNull(writer.tiers().of("haiku").orElseThrow().until());
    assertThat(until).isBetween(RESET, RESET.plusMillis(500));
    return until;
  }

  private static TaskView shown(Queries queries, String id) throws IOException {
    return Objects.requireNonNull(queries.answer(new LedgerQuery.TaskById("q", "r", id)).task());
  }

  private Queries queries() {
    return new Queries(files, () -> now, List::of, writer::tiers);
  }

  private static Incoming cancellation() {
    return new Incoming.Cancellation(new LedgerQuery.Cancel("q", "reply.gateway-1", "task-1"));
  }

  private static Incoming ownBeat() {
    return new Incoming.Beat(Samples.beat("ledger-1"));
  }
}
