package dev.symbiont.hop;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.ShutdownSignalException;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.GrantRequest;
import dev.symbiont.contract.KeySet;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.PartialText;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.topology.Topology;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Asks the ledger-writer over AMQP, and receives what is sent to this worker's reply key.
///
/// Every connection binds a fresh queue to the key; what was sent to the old one is lost, so each
/// question that has no answer yet is asked again, with the same request id.
public final class LedgerClient implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(LedgerClient.class);

  /// An answer is lost only with the queue that it went to, and a new queue is told of at once;
  /// this is for whatever else there may be.
  private static final Duration ASK_AGAIN_AFTER = Duration.ofSeconds(5);

  private static final int REFUSED_KEPT = 1_000;

  private final String replyKey;
  private final Hop hop;
  private final List<Listener> listeners;
  private final Map<String, Open<?>> questions = new ConcurrentHashMap<>();

  /// Requests that were answered otherwise than by a grant, the oldest first.
  private final SequencedMap<String, GrantRequest> refused = new LinkedHashMap<>();

  /// Keys that somebody listens to for a while, once for each.
  private final List<String> heard = new ArrayList<>();

  private volatile @Nullable Own own;

  /// The queue of the present connection.
  private record Own(Channel channel, String queue) {}

  private final AtomicLong numbers = new AtomicLong();
  private final String worker;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("ask-again").factory());

  /// @param underWay whether it is being published just now
  private record Open<A>(
      Parcel question, Class<A> type, CompletableFuture<A> answer, AtomicBoolean underWay) {}

  /// Hears what comes in unasked.
  public interface Listener {

    /// The routing keys to listen to, beside the worker's own.
    default List<String> keys() {
      return List.of();
    }

    /// A task has ended that was accepted with this worker's reply key.
    default void ended(TaskEnded end) {}

    /// Nobody wants this call any more.
    default void stop(StopCall call) {}

    /// A copy of this request was granted, after another copy had been answered otherwise: nobody
    /// is going to make the call.
    default void grantedLate(GrantRequest request, GrantAnswer.Granted grant) {}

    /// A tier stands so.
    default void tierIs(TierState state) {}

    /// Some of an answer has come, of a task whose key is heard.
    default void textIs(PartialText text) {}

    /// A key to the gateways stands so.
    default void keyIs(KeySet key) {}

    /// Something may have been missed.
    default void reconnected(LedgerClient client) {}
  }

  public LedgerClient(Broker broker, Hop hop, String worker, Listener... listeners) {
    this.hop = hop;
    this.worker = worker;
    this.replyKey = Topology.replyKey(worker);
    this.listeners = List.of(listeners);
    broker.onConnect(this::bind);
    long period = ASK_AGAIN_AFTER.toMillis();
    var _ = timer.scheduleWithFixedDelay(this::askAgain, period, period, TimeUnit.MILLISECONDS);
  }

  /// Listens to a routing key as well, for a while. What is said while there is no connection is
  /// missed.
  public Hearing hear(String key) {
    synchronized (heard) {
      heard.add(key);
      bindOwn(key);
    }
    return () -> {
      synchronized (heard) {
        heard.remove(key);
        if (!heard.contains(key)) {
          unbindOwn(key);
        }
      }
    };
  }

  /// The end of listening.
  public interface Hearing extends AutoCloseable {
    @Override
    void close();
  }

  private void bindOwn(String key) {
    Own to = own;
    try {
      if (to != null) {
        to.channel.queueBind(to.queue, Topology.FLOW, key);
      }
    } catch (IOException | ShutdownSignalException e) {
      log.debug("{} is bound after the next connect", key);
    }
  }

  private void unbindOwn(String key) {
    Own from = own;
    try {
      if (from != null) {
        from.channel.queueUnbind(from.queue, Topology.FLOW, key);
      }
    } catch (IOException | ShutdownSignalException e) {
      log.debug("{} has gone with its connection", key);
    }
  }

  public String replyKey() {
    return replyKey;
  }

  /// The ledger's verdict on a call, whenever it comes. Cancel the future to give up asking.
  public CompletableFuture<GrantAnswer> ask(GrantRequest request) {
    CompletableFuture<GrantAnswer> answer = ask(request.requestId(), request, GrantAnswer.class);
    var _ = answer.whenComplete((it, _) -> remember(request, it));
    return answer;
  }

  /// The answer to a query; fails with a [java.util.concurrent.TimeoutException] when no
  /// ledger-writer gives one.
  public <A extends LedgerAnswer> CompletableFuture<A> ask(
      BiFunction<String, String, LedgerQuery> query, Class<A> type, Duration patience) {
    String id = nextRequestId();
    return ask(id, query.apply(id, replyKey), type)
        .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// Unique for this worker, which is unique itself.
  public String nextRequestId() {
    return worker + "/ask." + numbers.incrementAndGet();
  }

  @Override
  public void close() {
    timer.shutdownNow();
    questions.values().forEach(it -> it.answer.cancel(false));
  }

  private <A extends Message> CompletableFuture<A> ask(String id, Message question, Class<A> type) {
    var answer = new CompletableFuture<A>();
    var open = new Open<>(Parcel.question(question, id), type, answer, new AtomicBoolean());
    questions.put(id, open);
    var _ = answer.whenComplete((_, _) -> questions.remove(id));
    publish(open);
    return answer;
  }

  private void askAgain() {
    questions.values().forEach(this::publish);
  }

  private void publish(Open<?> open) {
    if (open.underWay.compareAndSet(false, true)) {
      var _ =
          hop.deliver(open.question, () -> !open.answer.isDone())
              .whenComplete((_, _) -> open.underWay.set(false));
    }
  }

  private void bind(com.rabbitmq.client.Connection connection) {
    try {
      Channel channel = connection.createChannel();
      String queue = channel.queueDeclare("", false, true, true, Map.of()).getQueue();
      channel.queueBind(queue, Topology.FLOW, replyKey);
      for (Listener listener : listeners) {
        for (String key : listener.keys()) {
          channel.queueBind(queue, Topology.FLOW, key);
        }
      }
      synchronized (heard) {
        for (String key : heard) {
          channel.queueBind(queue, Topology.FLOW, key);
        }
        own = new Own(channel, queue);
      }
      channel.basicConsume(
          queue,
          true,
          new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(
                String tag,
                com.rabbitmq.client.Envelope envelope,
                com.rabbitmq.client.AMQP.BasicProperties properties,
                byte[] body) {
              receive(properties.getType(), body);
            }
          });
    } catch (IOException e) {
      connection.abort();
      log.warn("no reply queue: {}", e.getMessage());
      return;
    }
    timer.execute(this::askAgain);
    listeners.forEach(it -> timer.execute(() -> it.reconnected(this)));
  }

  private void receive(@Nullable String schema, byte[] body) {
    try {
      switch (Codec.decode(schema, body)) {
        case TaskEnded end -> listeners.forEach(it -> it.ended(end));
        case StopCall call -> listeners.forEach(it -> it.stop(call));
        case TierState state -> listeners.forEach(it -> it.tierIs(state));
        case PartialText text -> listeners.forEach(it -> it.textIs(text));
        case KeySet key -> listeners.forEach(it -> it.keyIs(key));
        case GrantAnswer grant -> {
          complete(grant.requestId(), grant);
          giveBackLate(grant);
        }
        case LedgerAnswer answer -> complete(answer.requestId(), answer);
        case Message other -> log.warn("not a reply: {}", Codec.schemaOf(other));
      }
    } catch (UnreadableMessageException e) {
      log.warn("unreadable reply: {}", e.getMessage());
    }
  }

  private void remember(GrantRequest request, @Nullable GrantAnswer answer) {
    if (answer instanceof GrantAnswer.Granted) {
      return;
    }
    synchronized (refused) {
      refused.put(request.requestId(), request);
      if (refused.size() > REFUSED_KEPT) {
        refused.pollFirstEntry();
      }
    }
  }

  private void giveBackLate(GrantAnswer answer) {
    if (answer instanceof GrantAnswer.Granted grant) {
      GrantRequest request;
      synchronized (refused) {
        request = refused.remove(grant.requestId());
      }
      if (request != null) {
        listeners.forEach(it -> it.grantedLate(request, grant));
      }
    }
  }

  private void complete(String id, Message answer) {
    Open<?> open = questions.get(id);
    if (open != null) {
      complete(open, answer);
    }
  }

  private static <A> void complete(Open<A> open, Message answer) {
    if (open.type.isInstance(answer)) {
      open.answer.complete(open.type.cast(answer));
    }
  }
}
