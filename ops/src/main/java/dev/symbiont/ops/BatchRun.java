package dev.symbiont.ops;

import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.wire.Codec;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Has the lines of a batch done, so many at a time, and adds their results in their order.
///
/// Somebody waits for each task that is under way, so that one which takes long keeps no other from
/// being begun. A fleet that cannot be reached is tried again for a while.
final class BatchRun {

  private static final Duration WAIT = Duration.ofSeconds(30);
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final long PAUSE_MILLIS = 500;

  /// Well below what the gateway takes in one request.
  private static final int MAX_BYTES = 8 * 1024 * 1024;

  private static final int MAX_TASKS = 1_000;

  private static final Set<String> ENDS =
      Arrays.stream(TaskState.values())
          .filter(TaskState::isEnd)
          .map(TaskState::wire)
          .collect(Collectors.toUnmodifiableSet());

  private final Gateway gateway;
  private final List<BatchLine> lines;
  private final int atATime;
  private final BatchResults results;
  private final Progress progress;

  /// By their index, and not added yet: those before them are missing.
  private final TreeMap<Integer, ObjectNode> early = new TreeMap<>();

  private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();
  private int underWay;

  /// How a line ended, or why nobody can say.
  private record Ended(
      int index, @Nullable ObjectNode result, @Nullable RuntimeException problem) {}

  BatchRun(
      Gateway gateway,
      List<BatchLine> lines,
      int atATime,
      BatchResults results,
      Progress progress) {
    this.gateway = gateway;
    this.lines = lines;
    this.atATime = atATime;
    this.results = results;
    this.progress = progress;
  }

  /// Returns when every line has its result.
  void finish() throws InterruptedException {
    int next = results.count();
    progress.at(results.count(), results.failed());
    while (results.count() < lines.size()) {
      // A request for each line would cost more than the line.
      if (next < lines.size() && underWay <= atATime / 2) {
        next = submit(next);
      }
      if (underWay > 0) {
        take(ended.take());
      }
      for (Ended more = ended.poll(); more != null; more = ended.poll()) {
        take(more);
      }
      add();
    }
  }

  private void take(Ended line) {
    if (line.problem != null) {
      throw line.problem;
    }
    underWay--;
    early.put(line.index, Objects.requireNonNull(line.result));
  }

  private void add() {
    while (!early.isEmpty() && early.firstKey() == results.count()) {
      results.add(early.pollFirstEntry().getValue());
    }
    progress.at(results.count(), results.failed());
  }

  /// Submits as many as there is room for, and returns the first that is not.
  private int submit(int from) throws InterruptedException {
    var tasks = Codec.mapper().createArrayNode();
    var indices = new ArrayList<Integer>();
    int next = from;
    int bytes = 0;
    while (next < lines.size() && indices.size() < Math.min(MAX_TASKS, atATime - underWay)) {
      ObjectNode task = lines.get(next).task();
      int size = Codec.mapper().writeValueAsBytes(task).length;
      if (size > Task.MAX_BYTES) {
        early.put(next, refused(next, "it has more than %d bytes".formatted(Task.MAX_BYTES)));
      } else if (bytes + size > MAX_BYTES) {
        break;
      } else {
        bytes += size;
        tasks.add(task);
        indices.add(next);
      }
      next++;
    }
    if (!indices.isEmpty()) {
      submit(tasks, indices);
    }
    return next;
  }

  private void submit(JsonNode tasks, List<Integer> indices) throws InterruptedException {
    var again = new ArrayList<Integer>();
    JsonNode left = tasks;
    List<Integer> leftIndices = indices;
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (!leftIndices.isEmpty()) {
      ObjectNode request = Codec.mapper().createObjectNode();
      request.set("tasks", left);
      JsonNode answer = persist(() -> gateway.post("/tasks/batch", request)).orFail();
      for (JsonNode verdict : answer.path("tasks")) {
        int index = leftIndices.get(verdict.path("index").asInt(0));
        if (verdict.path("status").asString("").equals("queued")) {
          underWay++;
          Thread.startVirtualThread(() -> ended.add(await(index)));
        } else if (isNotNow(verdict) && System.nanoTime() - until < 0) {
          again.add(index);
        } else if (isNotNow(verdict)) {
          throw new SetupException(goOn(verdict.path("detail").asString("")));
        } else {
          early.put(index, refused(index, verdict.path("detail").asString("")));
        }
      }
      leftIndices = List.copyOf(again);
      left = Codec.mapper().valueToTree(again.stream().map(it -> lines.get(it).task()).toList());
      if (!again.isEmpty()) {
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      }
      again.clear();
    }
  }

  private static boolean isNotNow(JsonNode verdict) {
    return new Gateway.Answer(verdict.path("code").asInt(0), verdict).isNotNow();
  }

  private Ended await(int index) {
    BatchLine line = lines.get(index);
    try {
      long until = System.nanoTime() + PATIENCE.toNanos();
      while (true) {
        Gateway.Answer answer = persist(() -> gateway.await(line.id(), WAIT));
        if (answer.status() != HttpURLConnection.HTTP_NOT_FOUND) {
          JsonNode task = answer.orFail();
          if (ENDS.contains(task.path("status").asString(""))) {
            return new Ended(index, result(line, task), null);
          }
        } else if (System.nanoTime() - until > 0) {
          return new Ended(index, null, new SetupException(goOn(answer.detail())));
        } else {
          // The broker has it, and the ledger has not read it yet.
          TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        }
      }
    } catch (RuntimeException e) {
      return new Ended(index, null, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Ended(index, null, new IllegalStateException(e));
    }
  }

  /// The answer that is one, within the time that a fleet may be away.
  private static Gateway.Answer persist(Supplier<Gateway.Answer> question)
      throws InterruptedException {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      String problem;
      try {
        Gateway.Answer answer = question.get();
        if (!answer.isNotNow()) {
          return answer;
        }
        problem = answer.detail();
      } catch (SetupException e) {
        problem = String.valueOf(e.getMessage());
      }
      if (System.nanoTime() - until > 0) {
        throw new SetupException(goOn(problem));
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }

  private static String goOn(String problem) {
    return problem + "; start the batch again to go on";
  }

  private ObjectNode refused(int index, String why) {
    BatchLine line = lines.get(index);
    return Codec.mapper()
        .createObjectNode()
        .put("line", line.number())
        .put("id", line.id())
        .put("status", "rejected")
        .put("error", why);
  }

  private static ObjectNode result(BatchLine line, JsonNode task) {
    ObjectNode result =
        Codec.mapper()
            .createObjectNode()
            .put("line", line.number())
            .put("id", line.id())
            .put("status", task.path("status").asString(""));
    for (var field : task.path("result").properties()) {
      if (!result.has(field.getKey())) {
        result.set(field.getKey(), field.getValue());
      }
    }
    if (!result.has("error") && task.has("reason")) {
      result.set("error", task.path("reason"));
    }
    return result;
  }
}
