package dev.symbiont.ledger.arbiter;

import static dev.symbiont.ledger.Samples.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.Classification;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.Samples;
import dev.symbiont.ledger.journal.Span;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TaskRecordTest {

  private static final Span HERE = new Span(100, 10);
  private static final AcceptedTask TASK = Samples.accepted("task-1");
  private static final RoutedTask FIRST = Samples.routed(TASK, "haiku");
  private static final CallGranted CALL_1 =
      Samples.granted(Samples.request(FIRST, "ask-1", "worker-1"), 1);
  private static final CallGranted CALL_2 =
      Samples.granted(Samples.request(FIRST, "ask-2", "worker-1"), 2);

  @Test
  void eachStepMovesTheTaskOn() {
    TaskRecord task = TaskRecord.unseen("task-1");
    assertThat(task.state()).isEqualTo(TaskState.QUEUED);

    task = after(task, TASK);
    assertThat(task.state()).isEqualTo(TaskState.QUEUED);
    assertThat(task.acceptedAt()).isEqualTo(NOON);
    task = after(task, FIRST);
    assertThat(task.state()).isEqualTo(TaskState.ROUTED);
    task = after(task, CALL_1);
    assertThat(task.state()).isEqualTo(TaskState.RUNNING);
    task = after(task, Samples.crashed(CALL_1));
    assertThat(task.state()).isEqualTo(TaskState.ROUTED);
    task = after(task, CALL_2);
    task = after(task, Samples.succeeded(FIRST, Samples.answered(CALL_2, "0.01")));

    assertThat(task.state()).isEqualTo(TaskState.SUCCEEDED);
    assertThat(task.calls()).extracting(CallRecord::outcome).containsExactly("crashed", "answered");
    assertThat(task.end()).isEqualTo(HERE);
  }

  @Test
  void theFirstEndWins() {
    TaskRecord task = after(TaskRecord.unseen("task-1"), FIRST, CALL_1);
    task =
        task.after("task-1/expired", Samples.endedWithoutCall("task-1", TaskState.EXPIRED), HERE);

    TaskRecord later =
        task.after(
            "task-1/call.1/ended",
            Samples.succeeded(FIRST, Samples.answered(CALL_1, "0.01")),
            new Span(200, 10));

    assertThat(later.state()).isEqualTo(TaskState.EXPIRED);
    assertThat(later.end()).isEqualTo(HERE);
    assertThat(later.endedAt()).isEqualTo(NOON.plusSeconds(2));
    assertThat(later.calls()).extracting(CallRecord::outcome).containsExactly("answered");
  }

  @Test
  void aTaskThatWasSetAsideStaysSo() {
    var aside = new SetAside("task-1", "task-1/set_aside", "queue", "why", NOON, 1, "x", 0);

    TaskRecord task = after(TaskRecord.unseen("task-1"), TASK, aside, FIRST, CALL_1);

    assertThat(task.state()).isEqualTo(TaskState.SET_ASIDE);
  }

  @Test
  void aFallBackEndsTheCallAndMovesToTheNextTier() {
    RoutedTask second = Samples.fallenBack(FIRST, "sonnet", Samples.crashed(CALL_1));

    TaskRecord task = after(TaskRecord.unseen("task-1"), FIRST, CALL_1, second);

    assertThat(task.state()).isEqualTo(TaskState.ROUTED);
    assertThat(task.tier()).isEqualTo("sonnet");
    assertThat(task.attempt()).isEqualTo(2);
    assertThat(task.calls()).noneMatch(CallRecord::isOpen);
  }

  @Test
  void theRecordComesBackFromTheIndexAsItWas() {
    TaskRecord task =
        after(TaskRecord.unseen("task-1"), TASK, FIRST, CALL_1, Samples.answered(CALL_1, "0.10"));

    byte[] json = Codec.mapper().writeValueAsBytes(task);

    assertThat(Codec.mapper().readValue(json, TaskRecord.class)).isEqualTo(task);
  }

  @Test
  void theOrderOfTheStepsDoesNotMatterOnceTheTaskHasEnded() {
    List<Step> steps = life();
    TaskRecord inOrder = after(TaskRecord.unseen("task-1"), steps.toArray(Step[]::new));
    var seed = 42L;
    var random = new Random(seed);

    for (int i = 0; i < 2_000; i++) {
      List<Step> order = permuted(steps, random);
      TaskRecord task = after(TaskRecord.unseen("task-1"), order.toArray(Step[]::new));

      assertThat(task).as("seed %d, permutation %d: %s", seed, i, ids(order)).isEqualTo(inOrder);
    }
  }

  @Test
  void theOrderOfTheStepsDoesNotMatterInTheMiddleOfALife() {
    List<Step> all = life();
    var seed = 42L;
    var random = new Random(seed);

    for (int known = 1; known <= all.size(); known++) {
      List<Step> steps = all.subList(0, known);
      TaskRecord inOrder = after(TaskRecord.unseen("task-1"), steps.toArray(Step[]::new));
      for (int i = 0; i < 200; i++) {
        List<Step> order = permuted(steps, random);
        TaskRecord task = after(TaskRecord.unseen("task-1"), order.toArray(Step[]::new));

        assertThat(task)
            .as("seed %d, permutation %d of %d: %s", seed, i, known, ids(order))
            .isEqualTo(inOrder);
      }
    }
  }

  @Test
  void aTaskRunsWhileAnyOfItsCallsDoes() {
    TaskRecord task =
        after(TaskRecord.unseen("task-1"), FIRST, CALL_1)
            .after(CALL_1.callId() + "/unknown", Samples.crashed(CALL_1), HERE);

    task = after(task, CALL_2, Samples.answered(CALL_1, "0.01"));

    assertThat(task.state()).isEqualTo(TaskState.RUNNING);
  }

  /// Accepted, classified, routed, tried twice at one tier, answered by the next.
  private static List<Step> life() {
    Classification question = Samples.classification(TASK);
    CallGranted classify = Samples.granted(Samples.request(question, "ask-0", "worker-1"), 1);
    CallGranted first = Samples.granted(Samples.request(FIRST, "ask-1", "worker-1"), 2);
    CallGranted again = Samples.granted(Samples.request(FIRST, "ask-2", "worker-1"), 3);
    CallEnded crashed = Samples.crashed(again);
    RoutedTask second = Samples.fallenBack(FIRST, "sonnet", crashed);
    CallGranted last = Samples.granted(Samples.request(second, "ask-3", "worker-2"), 4);
    return List.of(
        TASK,
        question,
        classify,
        Samples.answered(classify, "0.001").carrying(TASK),
        FIRST,
        first,
        Samples.crashed(first),
        again,
        second,
        last,
        Samples.succeeded(second, Samples.answered(last, "0.03")));
  }

  /// Any order but for the grants: the ledger-writer itself makes them, one after the other, and
  /// each before its call can end.
  private static List<Step> permuted(List<Step> steps, Random random) {
    var order = new ArrayList<>(steps);
    do {
      Collections.shuffle(order, random);
      var grants = steps.stream().filter(CallGranted.class::isInstance).iterator();
      order.replaceAll(step -> step instanceof CallGranted ? grants.next() : step);
    } while (!grantsComeBeforeTheirEnds(order));
    return order;
  }

  private static boolean grantsComeBeforeTheirEnds(List<Step> order) {
    var granted = new ArrayList<String>();
    for (Step step : order) {
      if (step instanceof CallGranted grant) {
        granted.add(grant.callId());
      }
      boolean early =
          dev.symbiont.ledger.journal.LedgerLine.callIn(step)
              .filter(call -> !granted.contains(call.callId()))
              .isPresent();
      if (early) {
        return false;
      }
    }
    return true;
  }

  private static List<String> ids(List<Step> steps) {
    return steps.stream().map(Step::eventId).toList();
  }

  private static TaskRecord after(TaskRecord task, Step... steps) {
    TaskRecord next = task;
    for (Step step : steps) {
      next = next.after(step.eventId(), step, HERE);
    }
    return next;
  }
}
