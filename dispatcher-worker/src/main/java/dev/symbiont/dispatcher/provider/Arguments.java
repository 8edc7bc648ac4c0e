package dev.symbiont.dispatcher.provider;

import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Outcome.Refusal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/// What the operating system takes as arguments of a program.
public final class Arguments {

  /// Linux's limit for one argument, the NUL at its end included.
  private static final int LONGEST = 128 * 1024;

  private Arguments() {}

  /// Why no program can be started with these. The reason comes from the task, so trying again or
  /// elsewhere is of no use.
  public static Optional<Outcome> refusal(List<String> arguments) {
    for (String argument : arguments) {
      if (argument.indexOf('\0') >= 0) {
        return Optional.of(
            new Outcome.Refused(
                Refusal.BAD_REQUEST,
                "system prompt and JSON schema must not hold a NUL character"));
      }
      if (argument.getBytes(StandardCharsets.UTF_8).length >= LONGEST) {
        return Optional.of(
            new Outcome.Refused(
                Refusal.TOO_LARGE,
                "system prompt and JSON schema must each be shorter than 128 KiB"));
      }
    }
    return Optional.empty();
  }
}
