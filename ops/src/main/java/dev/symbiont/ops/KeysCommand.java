package dev.symbiont.ops;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.InvalidFieldException;
import dev.symbiont.contract.KeyText;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Scope;
import dev.symbiont.contract.WhenSpent;
import dev.symbiont.contract.WireEnum;
import dev.symbiont.contract.wire.Codec;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Keys to the gateways. Goes over the broker: who has its password needs no key, and no key is
/// enough to make others.
@Command(
    mixinStandardHelpOptions = true,
    description = "Keys to the gateways: create, list, rotate, revoke.",
    subcommands = {
      KeysCommand.Create.class,
      KeysCommand.ListKeys.class,
      KeysCommand.Rotate.class,
      KeysCommand.Revoke.class
    })
final class KeysCommand implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    return Objects.requireNonNull(spec).commandLine().execute("list");
  }

  @Command(
      name = "create",
      mixinStandardHelpOptions = true,
      description = "Make a key and print it, once: only its hash is kept.")
  static final class Create implements Callable<Integer> {

    @Parameters(paramLabel = "NAME", description = "Whose it is, in your words.")
    private String name = "";

    @Option(
        names = "--scope",
        split = ",",
        paramLabel = "SCOPE",
        description =
            "submit, read_own, read_all, operate; several with commas. submit and read_own if absent.")
    private Set<String> scopes = Set.of("submit", "read_own");

    @Option(
        names = "--label",
        paramLabel = "NAME=VALUE",
        description = "Each of its tasks has it, and none can say otherwise.")
    private Map<String, String> labels = Map.of();

    @Option(names = "--usd-per-day", description = "What its tasks may cost in a day (UTC).")
    private @Nullable BigDecimal usdPerDay;

    @Option(names = "--when-spent", description = "wait (the default), fall_back or refuse")
    private @Nullable String whenSpent;

    @Option(
        names = "--expires-in",
        paramLabel = "DURATION",
        description = "Such as P90D or PT8H; never if absent.")
    private @Nullable String expiresIn;

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      Instant now = Instant.now();
      KeyText text = KeyText.draw(new SecureRandom());
      try (var line = new DirectLine(Installation.current())) {
        var opens = EnumSet.noneOf(Scope.class);
        scopes.forEach(it -> opens.add(one(Scope.values(), it, "--scope")));
        put(
            line,
            new AccessKey(
                text.id(),
                name,
                opens,
                labels,
                usdPerDay,
                whenSpent == null
                    ? WhenSpent.WAIT
                    : one(WhenSpent.values(), whenSpent, "--when-spent"),
                List.of(new AccessKey.Secret(text.sha256(), null)),
                now,
                expiresIn == null ? null : now.plus(duration(expiresIn, "--expires-in")),
                null,
                0));
      } catch (InvalidFieldException e) {
        throw new SetupException(String.valueOf(e.getMessage()));
      }
      reveal(spec, text);
      return 0;
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "One line each: id, state, scopes, name.")
  static final class ListKeys implements Callable<Integer> {

    @Option(names = "--json", description = "All that is known of each, as JSON.")
    private boolean json;

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      try (var line = new DirectLine(Installation.current())) {
        for (AccessKey key : keys(line)) {
          if (json) {
            out.println(Codec.mapper().writeValueAsString(key));
          } else {
            out.println(
                "%s  %-8s %-28s %s"
                    .formatted(
                        key.id(),
                        state(key, Instant.now()),
                        key.scopes().stream().map(Scope::wire).collect(Collectors.joining(",")),
                        key.name()));
          }
        }
      }
      return 0;
    }

    private static String state(AccessKey key, Instant now) {
      if (key.isRevoked()) {
        return "revoked";
      }
      return key.expiresAt() != null && now.isAfter(key.expiresAt()) ? "expired" : "valid";
    }
  }

  @Command(
      name = "rotate",
      mixinStandardHelpOptions = true,
      description = "Print a new text for a key; the old one opens until the grace has passed.")
  static final class Rotate implements Callable<Integer> {

    @Parameters(paramLabel = "ID")
    private String id = "";

    @Option(
        names = "--grace",
        paramLabel = "DURATION",
        defaultValue = "PT0S",
        description = "Such as PT1H; none if absent.")
    private String grace = "";

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      KeyText text = KeyText.draw(id, new SecureRandom());
      try (var line = new DirectLine(Installation.current())) {
        put(line, find(line, id).rotated(text, Instant.now().plus(duration(grace, "--grace"))));
      }
      reveal(spec, text);
      return 0;
    }
  }

  @Command(
      name = "revoke",
      mixinStandardHelpOptions = true,
      description = "Let a key open nothing any more, at every gateway. It cannot be undone.")
  static final class Revoke implements Callable<Integer> {

    @Parameters(paramLabel = "ID")
    private String id = "";

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      try (var line = new DirectLine(Installation.current())) {
        put(line, find(line, id).revoked(Instant.now()));
      }
      Objects.requireNonNull(spec).commandLine().getOut().println(id + " is revoked");
      return 0;
    }
  }

  private static List<AccessKey> keys(DirectLine line) {
    return line.ask(LedgerQuery.Keys::new, LedgerAnswer.Keys.class).keys();
  }

  private static AccessKey find(DirectLine line, String id) {
    return keys(line).stream()
        .filter(it -> it.id().equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                new SetupException(
                    "there is no key '%s'; ./symbiont keys list shows all".formatted(id)));
  }

  private static void put(DirectLine line, AccessKey key) {
    var answer =
        line.ask(
            (ask, reply) -> new LedgerQuery.SetKey(ask, reply, key), LedgerAnswer.SetKey.class);
    if (answer.key() == null) {
      throw new SetupException("key %s was revoked before".formatted(key.id()));
    }
  }

  private static void reveal(@Nullable CommandSpec spec, KeyText text) {
    var line = Objects.requireNonNull(spec).commandLine();
    line.getErr().println("symbiont: key %s; it is not shown again:".formatted(text.id()));
    line.getOut().println(text.reveal());
  }

  private static Duration duration(String text, String option) {
    try {
      return Duration.parse(text);
    } catch (DateTimeParseException e) {
      throw new SetupException("%s must be a duration such as PT1H or P30D".formatted(option));
    }
  }

  private static <E extends Enum<E> & WireEnum> E one(E[] values, String text, String option) {
    return Arrays.stream(values)
        .filter(it -> it.wire().equals(text.toLowerCase(Locale.ROOT).replace('-', '_')))
        .findFirst()
        .orElseThrow(
            () ->
                new SetupException(
                    "%s: '%s' is none of %s"
                        .formatted(
                            option,
                            text,
                            Arrays.stream(values)
                                .map(WireEnum::wire)
                                .collect(Collectors.joining(", ")))));
  }
}
