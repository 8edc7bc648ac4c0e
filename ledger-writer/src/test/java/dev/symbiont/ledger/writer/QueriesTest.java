package dev.symbiont.ledger.writer;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Discarded;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.Consumption;
import dev.symbiont.contract.LedgerAnswer.TaskEvent;
import dev.symbiont.contract.LedgerAnswer.TaskView;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.Samples;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class QueriesTest {

  @TempDir Path folder;
  private LedgerFiles files;
  private Instant now = NOON;
  private Writer writer;

  @BeforeEach
  void open() throws IOException {
    files = new LedgerFiles(folder);
    writer =
        new Writer(
            files, Samples.TIERS, () -> now, Samples.RULES, "ledger-1", Lag.NONE, Samples.FIGURES);
  }

  @AfterEach
  void close() throws IOException {
    writer.close();
  }

  @Test
  void aTaskIsShownAtEachStepOfItsLife() throws IOException {
    Life life = Life.of("task-1", "0.01");
    List<Incoming> steps = life.happened();

    assertThat(task("task-1")).isNull();
    writer.write(steps.subList(0, 1));
    assertThat(known("task-1").state()).isEqualTo(TaskState.QUEUED);
    assertThat(known("task-1").task()).isEqualTo("the prompt of task-1");
    writer.write(steps.subList(1, 2));
    assertThat(known("task-1").state()).isEqualTo(TaskState.ROUTED);
    assertThat(known("task-1").tier()).isEqualTo("haiku");
    writer.write(steps.subList(2, 3));
    TaskView running = known("task-1");
    assertThat(running.state()).isEqualTo(TaskState.RUNNING);
    assertThat(running.calls())
        .singleElement()
        .satisfies(
            it -> {
              assertThat(it.outcome()).isEqualTo("running");
              assertThat(it.costUsd()).isNull();
            });
    writer.write(steps.subList(3, 4));

    TaskView ended = known("task-1");
    assertThat(ended.state()).isEqualTo(TaskState.SUCCEEDED);
    assertThat(ended.end()).isEqualTo(life.end());
    assertThat(ended.endedAt()).isEqualTo(life.end().endedAt());
    assertThat(ended.calls()).singleElement().extracting("outcome").isEqualTo("answered");
  }

  @Test
  void aTaskThatWasSetAsideHasNoResult() throws IOException {
    var aside =
        new SetAside("message~1", "message~1/set_aside", "inbox", "no task", NOON, 3, "???", 0);

    writer.write(List.of(new Incoming.Happened(aside)));

    TaskView task = known("message~1");
    assertThat(task.state()).isEqualTo(TaskState.SET_ASIDE);
    assertThat(task.task()).isNull();
    assertThat(task.end()).isNull();
  }

  @Test
  void whatDoesNotFitIsFound() throws IOException {
    writer.write(Life.of("task-1", "0.10").happened());
    writer.write(Life.of("task-2", "0.20").happened().subList(0, 3));
    Life withoutGrant = Life.of("task-3", "0.30");
    writer.write(
        List.of(
            new Incoming.Happened(withoutGrant.routed()),
            new Incoming.Happened(withoutGrant.end())));

    try (var queries = new Queries(files, InstantSource.fixed(NOON), List::of, Samples.ALL_OPEN)) {
      var index = queries.index();

      assertThat(index.beginningsWithoutEnds()).containsExactly("task-2/call.1");
      assertThat(index.endsWithoutBeginnings()).containsExactly("task-3/call.1");
      assertThat(index.answeredTwice()).isEmpty();
      assertThat(index.callsPerTask()).containsExactly(entry("0", 1L), entry("1", 2L));
      assertThat(index.dearest(1)).singleElement().extracting("id").isEqualTo("task-1");
    }
  }

  @Test
  void deadLettersAreListedByCause() throws IOException {
    for (int i = 1; i <= 3; i++) {
      var aside =
          new SetAside(
              "task-" + i, "task-%d/set_aside".formatted(i), "inbox", i + " calls", NOON, 3, "", 0);
      writer.write(List.of(new Incoming.Happened(aside)));
    }
    writer.write(
        List.of(new Incoming.Happened(new Discarded("task-2", 0, "by an operator", NOON))));

    try (var queries = new Queries(files, InstantSource.fixed(NOON), List::of, Samples.ALL_OPEN)) {
      var found = queries.answer(new LedgerQuery.DeadLetters("q", "r", 1, null));

      assertThat(found.byCause()).containsExactly(entry("# calls", 2L));
      assertThat(found.letters()).hasSize(1);
    }
  }

  @Test
  void aCauseIsAReasonWithoutItsNumbersAndQuotations() {
    assertThat(Queries.cause("task 'a b' took 17 s at \"haiku\""))
        .isEqualTo("task … took # s at …");
  }

  @Test
  void entriesComeNewestFirst() throws IOException {
    for (int i = 0; i < 5; i++) {
      writer.write(Life.of("task-" + i, "0.10").happened());
    }

    List<JsonNode> newest = entries(3);

    assertThat(newest)
        .extracting(it -> it.get("task_id").asString())
        .containsExactly("task-4", "task-3", "task-2");
    assertThat(newest.getFirst().toString()).contains("\"estimated_cost_usd\":0.10");
    assertThat(entries(0)).hasSize(1);
    assertThat(entries(9_999)).hasSize(5);
  }

  @Test
  void pagesOfEntriesFollowOneAnother() throws IOException {
    for (int i = 0; i < 5; i++) {
      writer.write(Life.of("task-" + i, "0.10").happened());
    }

    try (Queries queries = queries()) {
      LedgerAnswer.Entries first = queries.answer(entries(2, null));
      writer.write(Life.of("task-new", "0.10").happened());
      LedgerAnswer.Entries second = queries.answer(entries(2, first.next()));
      LedgerAnswer.Entries third = queries.answer(entries(2, second.next()));

      assertThat(second.entries())
          .extracting(it -> it.get("task_id").asString())
          .containsExactly("task-2", "task-1");
      assertThat(third.entries())
          .extracting(it -> it.get("task_id").asString())
          .containsExactly("task-0");
      assertThat(third.next()).isNull();
      assertThat(queries.answer(entries(2, "nonsense")).invalid()).contains("'next'");
    }
  }

  @Test
  void tasksAreFiltered() throws IOException {
    writer.write(Life.of("task-1", "0.01").happened());
    writer.write(Life.of("task-2", "0.01").happened().subList(0, 1));
    var labelled =
        new AcceptedTask(
            Codec.mapper()
                .readValue(
                    "{\"id\": \"task-3\", \"task\": \"Sort THIS\", \"labels\": {\"team\": \"red\"}}",
                    Task.class),
            NOON.plusSeconds(60),
            Reply.NONE,
            false);
    writer.write(List.of(new Incoming.Happened(labelled)));

    assertThat(tasks("{}")).startsWith("task-3").contains("task-1", "task-2");
    assertThat(tasks("{'state': 'succeeded'}")).containsExactly("task-1");
    assertThat(tasks("{'tier': 'haiku'}")).containsExactly("task-1");
    assertThat(tasks("{'label': 'team=red'}")).containsExactly("task-3");
    assertThat(tasks("{'label': 'team=blue'}")).isEmpty();
    assertThat(tasks("{'text': 'sort this'}")).containsExactly("task-3");
    assertThat(tasks("{'text': '%'}")).isEmpty();
    assertThat(tasks("{'since': '%s'}".formatted(NOON.plusSeconds(60)))).containsExactly("task-3");
    assertThat(tasks("{'until': '%s'}".formatted(NOON.plusSeconds(60)))).hasSize(2);
  }

  private static LedgerQuery.Entries entries(int limit, @Nullable String cursor) {
    return new LedgerQuery.Entries(
        "q", "r", limit, null, null, null, null, null, null, null, cursor);
  }

  private List<String> tasks(String filter) {
    var query = (ObjectNode) Codec.mapper().readTree(filter.replace('\'', '"'));
    query.put("query", "tasks").put("request_id", "q").put("reply_key", "r").put("limit", 10);
    try (Queries queries = queries()) {
      var wanted = Codec.mapper().treeToValue(query, LedgerQuery.class);
      return queries.answer((LedgerQuery.Tasks) wanted).tasks().stream()
          .map(LedgerAnswer.TaskRow::id)
          .toList();
    }
  }

  @Test
  void theStatusCountsWhatIsOpen() throws IOException {
    writer.write(Life.of("task-1", "0.01").happened());
    writer.write(Life.of("task-2", "0.01").happened().subList(0, 3));
    writer.write(Life.of("task-3", "0.01").happened().subList(0, 2));
    writer.write(Life.of("task-4", "0.01").happened().subList(0, 1));
    writer.write(List.of(new Incoming.Beat(Samples.beat("gateway-1"))));

    var status = status();

    assertThat(status.running()).isEqualTo(1);
    assertThat(status.queueSize()).isEqualTo(2);
    assertThat(status.lastHeartbeat()).isEqualTo(NOON);
    assertThat(status.today()).containsEntry("haiku", new Consumption(1, 30));
    assertThat(status.workers()).containsExactly(Samples.beat("gateway-1"));
    assertThat(status.limitedTiers()).isEmpty();
  }

  @Test
  void aTierIsLimitedUntilAProbeGetsThrough() throws IOException {
    RoutedTask work = Samples.routed("task-1");
    CallGranted call = Samples.granted(Samples.request(work, "ask-1", "worker-1"), 1);
    RoutedTask next = Samples.routed("task-2");
    GrantRequest question = Samples.request(next, "ask-2", "worker-1");
    Instant until = NOON.plusSeconds(20);

    writer.write(
        List.of(new Incoming.Happened(call), new Incoming.Happened(Samples.limited(call, until))));
    assertThat(status().limitedTiers()).containsExactly("haiku");
    now = until.plusSeconds(1);
    writer.write(List.of(new Incoming.Asked(question)));
    assertThat(status().limitedTiers()).containsExactly("haiku");
    writer.write(
        List.of(
            new Incoming.Happened(
                Samples.succeeded(next, Samples.answered(Samples.granted(question, 1), "0.01")))));

    assertThat(status().limitedTiers()).isEmpty();
  }

  @Test
  void statsAreByModelAndByDay() throws IOException {
    writer.write(Life.of("task-1", "0.01").happened());
    assertThat(stats().totalCalls()).isEqualTo(1);
    writer.write(Life.of("task-2", "0.02").happened());

    var stats = stats();

    assertThat(stats.totalCalls()).isEqualTo(2);
    assertThat(stats.totalCostUsd()).isEqualByComparingTo("0.03");
    assertThat(stats.byModel()).containsOnlyKeys("haiku");
    assertThat(stats.byDate()).containsOnlyKeys("2026-03-01");
  }

  @Test
  void statsCanBeAddedUpByOtherThings() throws IOException {
    writer.write(Life.of("task-1", "0.1").happened());
    writer.write(Life.of("task-2", "0.2").happened());

    try (Queries queries = queries()) {
      for (String what :
          List.of("tier", "model", "purpose", "outcome", "day", "hour", "day,tier", "hour,tier")) {
        Map<String, LedgerAnswer.Calls> groups =
            Objects.requireNonNull(
                queries.answer(new LedgerQuery.Stats("q", "r", what, null)).groups());
        assertThat(groups).as(what).hasSize(1);
        assertThat(groups.values())
            .as(what)
            .containsExactly(new LedgerAnswer.Calls(2, new BigDecimal("0.3")));
      }
      assertThat(queries.answer(new LedgerQuery.Stats("q", "r", "day,tier", null)).groups())
          .containsOnlyKeys("2026-03-01,haiku");
      assertThat(queries.answer(new LedgerQuery.Stats("q", "r", "label:team", null)).groups())
          .containsOnlyKeys("");
    }
  }

  @Test
  void theEventsOfATaskAreItsOwnAndSayWhyItGoesElsewhere() throws IOException {
    Life life = Life.of("task-1", "0.01");
    CallEnded call = Samples.limited(life.granted(), null);
    writer.write(life.happened().subList(0, 2));
    writer.write(Life.of("task-2", "0.02").happened());
    writer.write(life.happened().subList(2, 3));
    writer.write(List.of(new Incoming.Happened(Samples.fallenBack(life.routed(), "sonnet", call))));

    List<TaskEvent> all = events("task-1", null);
    List<TaskEvent> later = events("task-1", all.get(1).id());

    assertThat(all).extracting(TaskEvent::taskId).containsOnly("task-1");
    assertThat(all)
        .extracting(TaskEvent::event)
        .containsExactly("accepted", "routed", "started", "routed");
    assertThat(all.getLast().data().path("reason").asString())
        .isEqualTo("haiku: limited, you have hit your limit");
    assertThat(later).isEqualTo(all.subList(2, 4));
  }

  private List<TaskEvent> events(String taskId, @Nullable Long after) throws IOException {
    try (Queries queries = queries()) {
      return queries.answer(new LedgerQuery.Events("q", "r", after, taskId, null)).events();
    }
  }

  @Test
  void whatIsWrittenAfterAQuestionIsSeenByTheNext() throws IOException {
    try (Queries queries = queries()) {
      assertThat(queries.answer(new LedgerQuery.TaskById("q", "r", "task-1")).task()).isNull();

      writer.write(Life.of("task-1", "0.01").happened());

      assertThat(queries.answer(new LedgerQuery.TaskById("q", "r", "task-1")).task()).isNotNull();
    }
  }

  private LedgerAnswer.Stats stats() {
    try (Queries queries = queries()) {
      return queries.answer(new LedgerQuery.Stats("q", "r", null, null));
    }
  }

  private LedgerAnswer.Status status() {
    try (Queries queries = queries()) {
      return queries.answer(new LedgerQuery.Status("q", "r"), NOON);
    }
  }

  private List<JsonNode> entries(int limit) {
    try (Queries queries = queries()) {
      return queries.answer(LedgerQuery.Entries.newest("q", "r", limit)).entries();
    }
  }

  private TaskView known(String id) throws IOException {
    return Objects.requireNonNull(task(id));
  }

  private @Nullable TaskView task(String id) throws IOException {
    try (Queries queries = queries()) {
      return queries.answer(new LedgerQuery.TaskById("q", "r", id)).task();
    }
  }

  private Queries queries() {
    return new Queries(files, InstantSource.fixed(NOON), writer::liveWorkers, writer::tiers);
  }
}
