package dev.symbiont.hop;

import com.rabbitmq.client.Channel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The primitive that every step is made of: publish, have it confirmed, then acknowledge what it
/// came from.
///
/// A process that dies in between leaves the delivery with the broker, which gives it to somebody
/// else; the second copy has the same ids and is recognised. A publish that fails is repeated, with
/// the same ids, for as long as this process lives, even if the delivery has meanwhile gone to
/// somebody else: what was done must be told.
public final class Hop {

  private static final Logger log = LoggerFactory.getLogger(Hop.class);
  private static final Duration FIRST_RETRY = Duration.ofMillis(100);
  private static final Duration LAST_RETRY = Duration.ofSeconds(2);

  private final Publisher publisher;
  private final Traces traces;

  public Hop(Publisher publisher, Traces traces) {
    this.publisher = publisher;
    this.traces = traces;
  }

  public Hop(Publisher publisher) {
    this(publisher, Traces.off());
  }

  public Traces traces() {
    return traces;
  }

  /// Publishes all of `parcels` and, when the broker has taken the last, acknowledges `from`.
  public CompletableFuture<Void> forward(Delivery from, List<Parcel> parcels) {
    return deliver(parcels).thenRun(() -> from.acknowledge());
  }

  /// The same for a run of deliveries, in the order in which one channel brought them. Acknowledges
  /// everything up to the last of them, and therefore not before `earlier`, the forwarding of the
  /// run before.
  public CompletableFuture<Void> forwardAll(
      CompletableFuture<Void> earlier, List<Delivery> from, List<Parcel> parcels) {
    return deliver(parcels).runAfterBoth(earlier, () -> from.getLast().acknowledgeUpToHere());
  }

  /// Publishes and repeats until the broker has taken it.
  public CompletableFuture<Void> deliver(List<Parcel> parcels) {
    return CompletableFuture.allOf(
        parcels.stream()
            .map(parcel -> deliver(parcel, () -> true))
            .toArray(CompletableFuture<?>[]::new));
  }

  /// The same, as long as somebody waits for it.
  CompletableFuture<Void> deliver(Parcel parcel, BooleanSupplier wanted) {
    return deliver(parcel, FIRST_RETRY, wanted);
  }

  /// What a channel delivers that is consumed from.
  Unsettled unsettled(Channel channel) {
    return new Unsettled(channel, publisher::afterVerdicts);
  }

  /// There is nothing to pass on.
  public void done(Delivery delivery) {
    delivery.acknowledge();
  }

  /// Somebody else shall have it.
  public void putBack(Delivery delivery) {
    delivery.putBack();
  }

  /// Keeps a message that cannot go on, with the reason.
  public CompletableFuture<Void> setAside(Delivery delivery, String reason) {
    log.warn(
        "set aside from {}: message {}: {}",
        delivery.queue(),
        delivery.properties().getMessageId(),
        reason);
    return forward(delivery, List.of(Parcel.setAside(delivery, reason)))
        .exceptionallyCompose(
            _ -> forward(delivery, List.of(Parcel.setAsideBare(delivery, reason))));
  }

  private CompletableFuture<Void> deliver(
      Parcel parcel, Duration retryAfter, BooleanSupplier wanted) {
    return publisher
        .publish(parcel)
        .exceptionallyCompose(
            failure -> {
              Throwable cause =
                  failure instanceof CompletionException && failure.getCause() != null
                      ? failure.getCause()
                      : failure;
              if (!(cause instanceof PublishException publish)
                  || !publish.mayPass()
                  || !wanted.getAsBoolean()) {
                return CompletableFuture.failedFuture(cause);
              }
              log.warn("{}; trying again in {} ms", cause.getMessage(), retryAfter.toMillis());
              Executor later =
                  CompletableFuture.delayedExecutor(retryAfter.toMillis(), TimeUnit.MILLISECONDS);
              Duration doubled = retryAfter.multipliedBy(2);
              Duration next = doubled.compareTo(LAST_RETRY) < 0 ? doubled : LAST_RETRY;
              return CompletableFuture.runAsync(() -> {}, later)
                  .thenCompose(_ -> deliver(parcel, next, wanted));
            });
  }
}
