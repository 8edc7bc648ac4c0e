package dev.symbiont.gateway.access;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.Scope;
import dev.symbiont.contract.Task;
import dev.symbiont.gateway.Problem;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;

/// Who asks.
///
/// @param key that came with the request; absent where the gateway asks for none
public record Caller(@Nullable AccessKey key, Set<Scope> scopes) {

  /// Everybody, where no keys are asked for.
  static final Caller ANYBODY = new Caller(null, EnumSet.allOf(Scope.class));

  static Caller with(AccessKey key) {
    return new Caller(key, key.scopes());
  }

  public boolean isKeyed() {
    return key != null;
  }

  /// Whose tasks alone this caller sees; absent for one who sees all.
  public @Nullable String owner() {
    return key == null || scopes.contains(Scope.READ_ALL) ? null : key.id();
  }

  /// Whether a task with these labels is there for this caller.
  public boolean sees(Map<String, String> labels) {
    return owner() == null || isOwn(labels);
  }

  /// Whether this caller may keep a task with these labels from being called.
  public boolean mayCancel(Map<String, String> labels) {
    return scopes.contains(Scope.OPERATE) || isOwn(labels);
  }

  private boolean isOwn(Map<String, String> labels) {
    return key == null || key.id().equals(labels.get(AccessKey.LABEL));
  }

  /// The same idempotency key from somebody else stands for another task.
  public String namespace() {
    return key == null ? "http" : "http/" + key.id();
  }

  /// The task as this caller's.
  public Task own(Task task) {
    if (key == null) {
      return task;
    }
    var labels = new HashMap<>(key.labels());
    labels.put(AccessKey.LABEL, key.id());
    labels.forEach(
        (name, value) -> {
          String wanted = task.labels().get(name);
          if (wanted != null && !wanted.equals(value)) {
            throw Problem.of(
                    HttpStatus.FORBIDDEN,
                    "labels.%s: the key says '%s', and a task cannot say otherwise"
                        .formatted(name, value))
                .with("field", "labels." + name);
          }
        });
    return task.withLabels(labels);
  }
}
