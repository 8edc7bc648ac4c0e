package dev.symbiont.ops.conformance;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// What has come of this run's messages so far, in the order in which it came. What others make the
/// fleet say is not kept.
final class Evidence {

  private final String run;
  private final List<Seen> results = new ArrayList<>();
  private final List<Seen> letters = new ArrayList<>();
  private final List<Seen> events = new ArrayList<>();
  private final Set<String> correlationIds = new HashSet<>();

  /// The last of what is told of workers and tiers, by routing key.
  private final Map<String, Seen> signsOfLife = new HashMap<>();

  /// Ids of this run's tasks by correlation id: the fleet draws them where the body has none.
  private final Map<String, String> taskIds = new HashMap<>();

  Evidence(String run) {
    this.run = run;
  }

  synchronized void publishing(String correlationId) {
    correlationIds.add(correlationId);
  }

  synchronized void addResult(Seen result) {
    results.add(result);
    notifyAll();
  }

  synchronized void addLetter(Seen letter) {
    if (isOurs(letter)) {
      letters.add(letter);
      notifyAll();
    }
  }

  synchronized void addEvent(Seen event) {
    if (isSignOfLife(event)) {
      signsOfLife.put(event.key(), event);
      notifyAll();
      return;
    }
    String text = new String(event.body(), StandardCharsets.UTF_8);
    if (text.contains(run) || taskIds.values().stream().anyMatch(text::contains)) {
      String correlationId = event.json().at("/accepted/reply/correlation_id").asString("");
      if (correlationIds.contains(correlationId)) {
        taskIds.putIfAbsent(correlationId, taskIdOf(event));
      }
      events.add(event);
      notifyAll();
    }
  }

  synchronized List<Seen> results(Sent sent) {
    return of(results, sent);
  }

  synchronized List<Seen> letters(Sent sent) {
    return of(letters, sent);
  }

  /// The results of this task whose correlation id nobody gave.
  synchronized List<Seen> astray(Sent sent) {
    return results.stream()
        .filter(it -> !isOurs(it) && it.json().path("id").asString("").equals(sent.id()))
        .toList();
  }

  synchronized List<Seen> events(Sent sent) {
    String drawn = taskIds.get(sent.correlationId());
    String id = sent.id().isEmpty() && drawn != null ? drawn : sent.id();
    return events.stream().filter(it -> !id.isEmpty() && taskIdOf(it).equals(id)).toList();
  }

  synchronized Optional<Seen> signOfLife(String key) {
    return Optional.ofNullable(signsOfLife.get(key));
  }

  synchronized List<Seen> events() {
    return List.copyOf(events);
  }

  /// What `look` finds, which looks again whenever something has come; nothing if the time is up.
  synchronized <T> Optional<T> await(Duration patience, Supplier<Optional<T>> look)
      throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    Optional<T> found = look.get();
    while (found.isEmpty()) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        return found;
      }
      wait(left);
      found = look.get();
    }
    return found;
  }

  /// Whether it tells of a worker or a tier, not of a task.
  static boolean isSignOfLife(Seen event) {
    return event.key().startsWith("worker.") || event.key().startsWith("tier.");
  }

  static String taskIdOf(Seen event) {
    String own = event.json().path("task_id").asString("");
    return event.json().at("/accepted/task/id").asString(own);
  }

  private boolean isOurs(Seen message) {
    return correlationIds.contains(String.valueOf(message.correlationId()));
  }

  private static List<Seen> of(List<Seen> messages, Sent sent) {
    return messages.stream().filter(it -> sent.correlationId().equals(it.correlationId())).toList();
  }
}
