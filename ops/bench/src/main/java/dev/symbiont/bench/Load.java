package dev.symbiont.bench;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import tools.jackson.databind.node.ObjectNode;

/// What callers do: publish many tasks, or post one after another at a steady rate.
final class Load implements AutoCloseable {

  private static final int WINDOW = 200;
  private static final int OK = 200;

  /// About as long as a short prompt of real work.
  private static final String PROMPT = "Summarise this in one sentence: " + "word ".repeat(80);

  private static final AtomicLong NUMBERS = new AtomicLong();

  private final Connection connection;
  private final URI gateway;
  private final HttpClient http = HttpClient.newHttpClient();

  Load(Site site) throws IOException {
    this.gateway = site.gateway();
    try {
      var factory = new ConnectionFactory();
      factory.setUri(site.broker);
      this.connection = factory.newConnection("bench");
    } catch (GeneralSecurityException | java.net.URISyntaxException | TimeoutException e) {
      throw new IOException(e);
    }
  }

  /// Has `count` tasks confirmed by the broker.
  ///
  /// @param tier to force
  void publish(long count, String tier) throws IOException, InterruptedException {
    publish(count, () -> task().put("force_tier", tier));
  }

  /// The same with tasks that somebody else makes.
  void publish(long count, Supplier<ObjectNode> tasks) throws IOException, InterruptedException {
    try (Channel channel = connection.createChannel()) {
      channel.confirmSelect();
      var properties = new AMQP.BasicProperties.Builder().deliveryMode(2).build();
      for (long i = 1; i <= count; i++) {
        channel.basicPublish(
            Topology.TASKS, "normal", properties, Codec.mapper().writeValueAsBytes(tasks.get()));
        if (i % WINDOW == 0) {
          channel.waitForConfirmsOrDie(TimeUnit.MINUTES.toMillis(1));
        }
      }
      channel.waitForConfirmsOrDie(TimeUnit.MINUTES.toMillis(1));
    } catch (TimeoutException e) {
      throw new IOException(e);
    }
  }

  /// The mean length of the fleet's messages about `count` tasks.
  int messageLength(int count, String tier, LineCount calls)
      throws IOException, InterruptedException {
    var lengths = new ConcurrentLinkedQueue<Integer>();
    try (Channel channel = connection.createChannel()) {
      String queue = channel.queueDeclare().getQueue();
      channel.queueBind(queue, Topology.FLOW, "#");
      channel.basicConsume(
          queue, true, (_, message) -> lengths.add(message.getBody().length), _ -> {});
      long before = calls.now();
      publish(count, tier);
      calls.await(before + count);
    } catch (TimeoutException e) {
      throw new IOException(e);
    }
    return (int) lengths.stream().mapToInt(it -> it).average().orElseThrow();
  }

  /// Posts tasks at this rate, whether or not earlier ones have been answered.
  ///
  /// @return how long each took from the moment when it was due, in ms, sorted
  double[] post(double perSecond, int count, String tier) {
    var took = new double[count];
    ObjectNode unnamed = task().put("force_tier", tier).without("id");
    byte[] body = Codec.mapper().writeValueAsBytes(unnamed);
    var answers = new CompletableFuture<?>[count];
    long start = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(100);
    for (int i = 0; i < count; i++) {
      long due = start + (long) (i * 1e9 / perSecond);
      sleepUntil(due);
      int number = i;
      var request =
          HttpRequest.newBuilder(gateway.resolve("/task"))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofByteArray(body))
              .build();
      answers[i] =
          http.sendAsync(request, HttpResponse.BodyHandlers.ofString())
              .thenAccept(
                  answer -> {
                    if (answer.statusCode() != OK) {
                      throw new IllegalStateException(answer.body());
                    }
                    took[number] = (System.nanoTime() - due) / 1e6;
                  });
    }
    CompletableFuture.allOf(answers).join();
    Arrays.sort(took);
    return took;
  }

  static double percentile(double[] sorted, double share) {
    return sorted[(int) Math.min(sorted.length - 1, Math.round(share * sorted.length))];
  }

  @Override
  public void close() throws IOException {
    http.close();
    connection.close();
  }

  /// Under an id of its own.
  static ObjectNode task() {
    return Codec.mapper()
        .createObjectNode()
        .put(
            "id", "bench-%d-%d".formatted(ProcessHandle.current().pid(), NUMBERS.incrementAndGet()))
        .put("task", PROMPT);
  }

  private static void sleepUntil(long due) {
    try {
      TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
