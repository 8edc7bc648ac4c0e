package dev.symbiont.gateway.intake;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.gateway.Problem;
import dev.symbiont.gateway.access.Caller;
import io.opentelemetry.context.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Many tasks in one request. Each gets its own verdict; with `"atomic": true` either all of them
/// are tasks or none is accepted. A broker that fails in the middle leaves the rest not accepted:
/// with an `Idempotency-Key` the request can be repeated, and what was accepted is not accepted
/// twice.
public final class Batches {

  static final int MOST_TASKS = 1_000;
  static final int MAX_BYTES = 16 * 1024 * 1024;

  private final Submission submission;
  private final Asking asking;

  public Batches(Submission submission, Asking asking) {
    this.submission = submission;
    this.asking = asking;
  }

  /// @param tasks in the same form as for `POST /queue`
  private record Batch(@Nullable List<@Nullable JsonNode> tasks, boolean atomic) {}

  /// What became of one.
  ///
  /// @param status `queued` or `rejected`
  /// @param code the status that it would have been answered with alone, if it is rejected
  /// @param field what is wrong with it, if that is one field
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Verdict(
      int index,
      String status,
      @Nullable String id,
      @Nullable Integer code,
      @Nullable String detail,
      @Nullable String field) {}

  record Verdicts(int accepted, int rejected, List<Verdict> tasks) {}

  Verdicts submit(InputStream body, @Nullable String key, Caller caller) throws IOException {
    Batch batch = Bodies.read(body, MAX_BYTES, Batch.class);
    List<@Nullable JsonNode> tasks = batch.tasks();
    if (tasks == null || tasks.isEmpty() || tasks.size() > MOST_TASKS) {
      throw Problem.invalid(
          "tasks: must be a list of 1 to %d tasks".formatted(MOST_TASKS), "tasks");
    }
    var requests = new ArrayList<Asking.@Nullable Request>();
    var verdicts = new ArrayList<Verdict>();
    for (int i = 0; i < tasks.size(); i++) {
      try {
        Task task = Bodies.parse(Codec.mapper().writeValueAsBytes(tasks.get(i)), Task.class);
        Asking.Request request =
            submission.check(task, "queued", key == null ? null : key + "\n" + i, caller);
        requests.add(request);
        verdicts.add(new Verdict(i, "queued", request.id(), null, null, null));
      } catch (Problem e) {
        if (batch.atomic()) {
          throw e.with("index", Integer.toString(i));
        }
        requests.add(null);
        verdicts.add(rejected(i, null, e));
      }
    }
    // All at once: the broker confirms many almost as fast as one.
    var submitted = new ArrayList<Thread>();
    for (int i = 0; i < requests.size(); i++) {
      Asking.Request request = requests.get(i);
      int index = i;
      if (request != null) {
        Runnable submit =
            () -> {
              try {
                asking.submit(request);
              } catch (Problem e) {
                verdicts.set(index, rejected(index, request.id(), e));
              }
            };
        submitted.add(Thread.startVirtualThread(Context.current().wrap(submit)));
      }
    }
    submitted.forEach(Batches::join);
    int accepted = (int) verdicts.stream().filter(it -> it.status().equals("queued")).count();
    return new Verdicts(accepted, verdicts.size() - accepted, verdicts);
  }

  private static Verdict rejected(int index, @Nullable String id, Problem problem) {
    return new Verdict(
        index,
        "rejected",
        id,
        problem.status().value(),
        problem.getMessage(),
        problem.member("field"));
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
