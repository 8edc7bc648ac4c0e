package dev.symbiont.dispatcher.provider.claude;

import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.dispatcher.process.Child;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Command;
import dev.symbiont.dispatcher.process.Exit;
import dev.symbiont.dispatcher.process.Exit.Stop;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A CLI that stays: it answers one prompt after another, and forgets each before the next. One
/// thread at a time uses it.
final class WarmProcess implements AutoCloseable {

  private static final Duration END_PATIENCE = Duration.ofSeconds(1);
  private static final Duration CLEAR_PATIENCE = Duration.ofSeconds(5);
  private static final String CLEAR = "/clear";

  private final Child child;
  private final CompletableFuture<Boolean> gone;
  private final AtomicReference<@Nullable Turn> turn = new AtomicReference<>();
  private final long started = System.nanoTime();
  private volatile boolean spokeUnasked;
  private boolean clean = true;
  private int calls;

  /// Its latest result: figures in it are sums over all its calls.
  private @Nullable JsonNode last;

  /// What is waited for: lines go there until the last one.
  private record Turn(
      Consumer<JsonNode> each, Predicate<JsonNode> isLast, CompletableFuture<JsonNode> end) {

    void read(JsonNode event) {
      each.accept(event);
      if (isLast.test(event)) {
        end.complete(event);
      }
    }
  }

  /// Starts it. It gets ready while nobody waits for it.
  WarmProcess(ChildProcess processes, Command command) throws IOException {
    child = processes.start(command, this::read);
    gone = child.silence().handle((_, _) -> true);
  }

  /// Says what holds for all its prompts. Returns whether it understood; it is of no use otherwise.
  boolean initialize(String system, @Nullable JsonNode jsonSchema, Duration patience)
      throws InterruptedException {
    var message = Codec.mapper().createObjectNode();
    message.put("type", "control_request").put("request_id", "initialize");
    var request = message.putObject("request").put("subtype", "initialize");
    request.put("systemPrompt", system);
    if (jsonSchema != null) {
      request.set("jsonSchema", jsonSchema);
    }
    return exchange(message, _ -> {}, event -> isType(event, "control_response"), patience)
        .filter(it -> it.path("response").path("subtype").asString("").equals("success"))
        .isPresent();
  }

  /// Makes the call, or what a process that is interrupted, too slow or gone makes of it. Only one
  /// that has answered may be asked again, and only after it was cleared.
  Ending ask(Call call, String prompt) {
    calls++;
    clean = false;
    var transcript = new Transcript(last, call.listener());
    long begin = System.nanoTime();
    try {
      Optional<JsonNode> result =
          exchange(user(prompt), transcript::read, WarmProcess::isResult, call.timeout());
      if (result.isPresent()) {
        last = result.get();
        Ending ending = transcript.judge(new Exit(0, Stop.NOT_STOPPED, ""), call);
        clean = ending.outcome() instanceof Outcome.Answered;
        return ending;
      }
    } catch (InterruptedException e) {
      // Ends the program, too.
      Thread.currentThread().interrupt();
    }
    Duration left = call.timeout().minusNanos(System.nanoTime() - begin);
    return transcript.judge(child.await(left.isNegative() ? Duration.ZERO : left), call);
  }

  /// Has it forget the conversation. Whether it did is seen from a new session that has cost
  /// nothing; on any doubt it did not.
  boolean clear() throws InterruptedException {
    JsonNode before = last;
    if (before == null || !clean || spokeUnasked) {
      return false;
    }
    Optional<JsonNode> answer =
        exchange(user(CLEAR), _ -> {}, WarmProcess::isResult, CLEAR_PATIENCE);
    if (answer.isEmpty()) {
      return false;
    }
    JsonNode now = answer.get();
    last = now;
    return !now.path("is_error").asBoolean(true)
        && now.path("num_turns").asInt(1) == 0
        && !now.path("session_id").equals(before.path("session_id"))
        && now.path("total_cost_usd").equals(before.path("total_cost_usd"));
  }

  /// Whether it is there, and has said nothing that nobody asked it.
  boolean isQuiet() {
    return !spokeUnasked && !gone.isDone();
  }

  int calls() {
    return calls;
  }

  Duration age() {
    return Duration.ofNanos(System.nanoTime() - started);
  }

  @Override
  public void close() {
    child.write(new byte[0], true);
    child.await(END_PATIENCE);
    child.close();
  }

  /// Sends a message and waits for the event that ends the answer; empty if none came in time or
  /// the process has ended.
  private Optional<JsonNode> exchange(
      JsonNode message, Consumer<JsonNode> each, Predicate<JsonNode> isLast, Duration patience)
      throws InterruptedException {
    var now = new Turn(each, isLast, new CompletableFuture<>());
    turn.set(now);
    child.write((message + "\n").getBytes(StandardCharsets.UTF_8), false);
    try {
      CompletableFuture.anyOf(now.end(), gone).get(patience.toMillis(), TimeUnit.MILLISECONDS);
      return Optional.ofNullable(now.end().getNow(null));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } finally {
      turn.set(null);
    }
  }

  private void read(byte[] line) {
    Transcript.event(line)
        .ifPresent(
            event -> {
              Turn now = turn.get();
              if (now == null || now.end().isDone()) {
                spokeUnasked = true;
              } else {
                now.read(event);
              }
            });
  }

  private static JsonNode user(String text) {
    var message = Codec.mapper().createObjectNode().put("type", "user");
    message.putObject("message").put("role", "user").put("content", text);
    return message;
  }

  private static boolean isResult(JsonNode event) {
    return isType(event, "result");
  }

  private static boolean isType(JsonNode event, String type) {
    return event.path("type").asString("").equals(type);
  }
}
