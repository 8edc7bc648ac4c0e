package dev.symbiont.dispatcher.provider;

import dev.symbiont.contract.Isolation;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Tier;
import dev.symbiont.dispatcher.process.Exit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A granted call, as a provider needs it.
///
/// @param isolation from other calls made with the same program
/// @param folder made when it is asked for: empty, private to this call, and gone after it
/// @param timeout after which the call is ended
/// @param listener hears the answer while it comes, as far as the program tells it
public record Call(
    String callId,
    Tier tier,
    Purpose purpose,
    String prompt,
    @Nullable String system,
    @Nullable JsonNode jsonSchema,
    Isolation isolation,
    Supplier<Path> folder,
    Duration timeout,
    Consumer<String> listener) {

  /// What became of the call if we ended its program.
  public Optional<Outcome> outcomeIfStopped(Exit exit) {
    return Optional.ofNullable(
        switch (exit.stopped()) {
          case NOT_STOPPED -> null;
          case TIMED_OUT ->
              new Outcome.TimedOut(
                  "the call took longer than %d s and was ended".formatted(timeout.toSeconds()));
          case INTERRUPTED -> new Outcome.Cancelled("the worker was stopped during the call");
        });
  }
}
