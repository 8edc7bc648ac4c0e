import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Publishes one task straight to RabbitMQ and prints its result. No gateway has to run.
///
///     ./symbiont help >/dev/null && java -cp 'ops/target/lib/*' examples/java/Produce.java "Say \"hello\""
///
/// with SYMBIONT_BROKER=amqp://user:password@host. Fields of the task: docs/asyncapi.yaml; only `task` is required. The
/// message id makes publishing again after a lost connection safe: the same id is the same task.
public final class Produce {

  private Produce() {}

  public static void main(String[] args) throws Exception {
    var factory = new ConnectionFactory();
    factory.setUri(System.getenv("SYMBIONT_BROKER"));
    try (var connection = factory.newConnection("example");
        var channel = connection.createChannel()) {
      channel.confirmSelect();
      String replyQueue = channel.queueDeclare().getQueue();
      var results = new ArrayBlockingQueue<String>(1);
      channel.basicConsume(
          replyQueue,
          true,
          (_, delivery) -> results.add(new String(delivery.getBody(), StandardCharsets.UTF_8)),
          _ -> {});
      String id = UUID.randomUUID().toString();
      var properties =
          new BasicProperties.Builder()
              .messageId(id)
              .correlationId(id)
              .replyTo(replyQueue)
              .deliveryMode(2)
              .build();
      String prompt = String.join(" ", args).replace("\\", "\\\\").replace("\"", "\\\"");
      byte[] task = "{\"task\": \"%s\"}".formatted(prompt).getBytes(StandardCharsets.UTF_8);
      channel.basicPublish("symbiont.tasks", "normal", true, properties, task);
      channel.waitForConfirmsOrDie(5_000);
      String result = results.poll(10, TimeUnit.MINUTES);
      System.out.println(result == null ? "no result within ten minutes" : result);
      System.exit(result == null ? 1 : 0);
    }
  }
}
