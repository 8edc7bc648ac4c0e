package dev.symbiont.ops.chaos;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// Callers who do not give up: each task is submitted with the same key until it is accepted, half
/// of them over HTTP, half over AMQP with a queue for the result.
final class Load implements AutoCloseable {

  static final String REPLIES = "chaos.replies";

  private static final int OK = 200;
  private static final long TICK_MILLIS = 100;
  private static final Duration HTTP_PATIENCE = Duration.ofSeconds(5);
  private static final long CONFIRM_PATIENCE_MILLIS = 5_000;
  private static final long AGAIN_MILLIS = 200;
  private static final int LIMITED_SECONDS = 3;

  /// Tasks on their way, above which no new ones are submitted: kills cost time to recover from.
  private static final int MOST_OPEN = 250;

  private final URI broker;
  private final URI gateway;
  private final SplittableRandom random;
  private final int perSecond;
  private final HttpClient http = HttpClient.newHttpClient();
  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final ReentrantLock publishing = new ReentrantLock();
  private @Nullable Connection connection;
  private @Nullable Channel channel;
  private volatile boolean returned;

  /// Task ids by the number of the task, once accepted.
  private final Map<Integer, String> accepted = new ConcurrentHashMap<>();

  /// When a cancellation was confirmed to have come before any call, by number of the task.
  private final Map<Integer, Instant> cancelled = new ConcurrentHashMap<>();

  /// Numbers of the tasks that one budget is for.
  private final Set<Integer> labelled = ConcurrentHashMap.newKeySet();

  /// Numbers of the tasks whose results go to the reply queue.
  private final Set<Integer> withReply = ConcurrentHashMap.newKeySet();

  private final AtomicInteger numbers = new AtomicInteger();
  private final Thread ticker = Thread.ofPlatform().name("load").unstarted(this::tick);
  private volatile boolean stopped;

  Load(URI broker, URI gateway, long seed, int perSecond) {
    this.broker = broker;
    this.gateway = gateway;
    this.random = new SplittableRandom(seed);
    this.perSecond = perSecond;
  }

  void start() {
    ticker.start();
  }

  /// Many at once, so that a kill right after meets messages in flight.
  void burst(int tasks) {
    for (int i = 0; i < tasks && !stopped; i++) {
      submit();
    }
  }

  /// No more new tasks; returns when every one is accepted.
  void stop() throws InterruptedException {
    stopped = true;
    ticker.join();
    callers.shutdown();
    if (!callers.awaitTermination(2, TimeUnit.MINUTES)) {
      throw new IllegalStateException("tasks are still not accepted two minutes after the end");
    }
  }

  Map<Integer, String> accepted() {
    return Map.copyOf(accepted);
  }

  Map<Integer, Instant> cancelled() {
    return Map.copyOf(cancelled);
  }

  Set<Integer> labelled() {
    return Set.copyOf(labelled);
  }

  Set<Integer> withReply() {
    return Set.copyOf(withReply);
  }

  /// How many results of each task the reply queue held.
  Map<String, Integer> takeReplies() throws IOException {
    var replies = new LinkedHashMap<String, Integer>();
    publishing.lock();
    try {
      Channel open = channel();
      GetResponse reply = open.basicGet(REPLIES, true);
      while (reply != null) {
        String id = Codec.mapper().readTree(reply.getBody()).path("id").asString();
        replies.merge(id, 1, Integer::sum);
        reply = open.basicGet(REPLIES, true);
      }
    } catch (TimeoutException e) {
      throw new IOException(e);
    } finally {
      publishing.unlock();
    }
    return replies;
  }

  /// Tasks without an end, as the gateway knows it; nothing while it does not.
  Optional<Long> open() {
    try {
      HttpResponse<byte[]> response =
          http.send(
              HttpRequest.newBuilder(gateway.resolve("/status")).timeout(HTTP_PATIENCE).build(),
              HttpResponse.BodyHandlers.ofByteArray());
      var status = Codec.mapper().readTree(response.body());
      return status.has("queue_size")
          ? Optional.of(status.path("queue_size").asLong() + status.path("running").asLong())
          : Optional.empty();
    } catch (IOException | tools.jackson.core.JacksonException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    callers.shutdownNow();
    http.shutdownNow();
    if (connection != null) {
      connection.abort();
    }
  }

  private void tick() {
    long open = 0;
    for (int i = 0; !stopped; i++) {
      if (i % 10 == 0) {
        open = open().orElse(open);
      }
      int unaccepted = numbers.get() - accepted.size();
      if (open + unaccepted < MOST_OPEN) {
        burst((int) (perSecond * TICK_MILLIS / 1000));
      }
      try {
        TimeUnit.MILLISECONDS.sleep(TICK_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private synchronized void submit() {
    int number = numbers.incrementAndGet();
    String prompt = "chaos-%d. %s".formatted(number, mood());
    int tier = random.nextInt(20);
    ObjectNode task = Codec.mapper().createObjectNode().put("task", prompt);
    if (tier < 17) {
      task.put("force_tier", tier < 10 ? "haiku" : tier < 14 ? "sonnet" : "opus");
    }
    if (random.nextInt(20) == 0) {
      task.put("allow_fallback", false);
    }
    if (random.nextInt(20) == 0) {
      task.putObject("labels").put(ChaosFleet.LABEL, "chaos");
      labelled.add(number);
    }
    boolean overHttp = random.nextBoolean();
    int cancelAfter = random.nextInt(30) == 0 ? random.nextInt(1_000) : -1;
    callers.execute(
        () -> {
          Optional<String> id = insist(number, task, overHttp);
          if (id.isPresent() && cancelAfter >= 0) {
            cancel(number, id.get(), cancelAfter);
          }
        });
  }

  /// Once; whether that works is the fleet's to say.
  private void cancel(int number, String id, int afterMillis) {
    try {
      TimeUnit.MILLISECONDS.sleep(afterMillis);
      HttpResponse<byte[]> response =
          http.send(
              HttpRequest.newBuilder(gateway.resolve("/tasks/" + id))
                  .timeout(HTTP_PATIENCE)
                  .DELETE()
                  .build(),
              HttpResponse.BodyHandlers.ofByteArray());
      if (response.statusCode() == OK) {
        cancelled.put(number, Instant.now());
      }
    } catch (IOException e) {
      return; // the gateway is away; the task goes on, or does not
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// How the simulated CLI behaves: well, mostly.
  private String mood() {
    int roll = random.nextInt(200);
    return switch (roll) {
      case 0 -> "[[sim:hang]]";
      case 1 -> "[[sim:stubborn]]";
      case 2 -> "[[sim:die model=haiku]]";
      case 3 -> "[[sim:crash model=haiku]]";
      case 4 -> "[[sim:empty model=haiku]]";
      case 5 -> "[[sim:half model=sonnet]]";
      case 6 -> "[[sim:529 model=haiku]]";
      case 7 -> "[[sim:limit model=sonnet reset-in=1]]";
      case 8 -> "[[sim:flood-err mb=2]]";
      case 9 -> "[[sim:grandchild seconds=30]]";
      case 10 ->
          "[[sim:limit before=%d]]".formatted(Instant.now().getEpochSecond() + LIMITED_SECONDS);
      default -> roll < 60 ? "[[sim:ok delay=0.5]]" : "";
    };
  }

  /// Returns the task's id, unless it is told to stop before the task is accepted.
  private Optional<String> insist(int number, ObjectNode task, boolean overHttp) {
    while (!Thread.currentThread().isInterrupted()) {
      try {
        Optional<String> id = overHttp ? post(number, task) : publish(number, task);
        if (id.isPresent()) {
          accepted.put(number, id.get());
          return id;
        }
        TimeUnit.MILLISECONDS.sleep(AGAIN_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return Optional.empty();
  }

  private Optional<String> post(int number, ObjectNode task) throws InterruptedException {
    try {
      HttpResponse<byte[]> response =
          http.send(
              HttpRequest.newBuilder(gateway.resolve("/queue"))
                  .timeout(HTTP_PATIENCE)
                  .header("Content-Type", "application/json")
                  .header("Idempotency-Key", "chaos-" + number)
                  .POST(
                      HttpRequest.BodyPublishers.ofByteArray(
                          Codec.mapper().writeValueAsBytes(task)))
                  .build(),
              HttpResponse.BodyHandlers.ofByteArray());
      return response.statusCode() == OK
          ? Optional.of(Codec.mapper().readTree(response.body()).path("id").asString())
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // the gateway is away: again
    }
  }

  private Optional<String> publish(int number, ObjectNode task) throws InterruptedException {
    String id = "chaos-" + number;
    publishing.lock();
    try {
      Channel open = channel();
      returned = false;
      open.basicPublish(
          "symbiont.tasks",
          "normal",
          true,
          new AMQP.BasicProperties.Builder()
              .messageId(id)
              .deliveryMode(2)
              .replyTo(REPLIES)
              .correlationId(id)
              .build(),
          Codec.mapper().writeValueAsBytes(task.deepCopy().put("id", id)));
      // The broker confirms what it has returned, too.
      if (!open.waitForConfirms(CONFIRM_PATIENCE_MILLIS) || returned) {
        return Optional.empty();
      }
      withReply.add(number);
      return Optional.of(id);
    } catch (IOException | TimeoutException | com.rabbitmq.client.ShutdownSignalException e) {
      drop();
      return Optional.empty(); // the broker is away, or the exchange is not there yet: again
    } finally {
      publishing.unlock();
    }
  }

  private Channel channel() throws IOException, TimeoutException {
    Channel open = channel;
    if (open == null || !open.isOpen()) {
      drop();
      var factory = new ConnectionFactory();
      try {
        factory.setUri(broker);
      } catch (java.net.URISyntaxException | java.security.GeneralSecurityException e) {
        throw new IOException(e);
      }
      factory.setAutomaticRecoveryEnabled(false);
      connection = factory.newConnection("chaos");
      open = connection.createChannel();
      open.addReturnListener(_ -> returned = true);
      open.confirmSelect();
      open.queueDeclare(REPLIES, true, false, false, Map.of("x-queue-type", "quorum"));
      channel = open;
    }
    return open;
  }

  private void drop() {
    if (connection != null) {
      connection.abort();
    }
    connection = null;
    channel = null;
  }
}
