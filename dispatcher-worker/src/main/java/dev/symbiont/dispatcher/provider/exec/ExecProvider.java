package dev.symbiont.dispatcher.provider.exec;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Tier;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.contract.wire.UnreadableMessageException;
import dev.symbiont.dispatcher.process.ChildProcess;
import dev.symbiont.dispatcher.process.Command;
import dev.symbiont.dispatcher.process.Exit;
import dev.symbiont.dispatcher.provider.AnswerText;
import dev.symbiont.dispatcher.provider.Arguments;
import dev.symbiont.dispatcher.provider.Call;
import dev.symbiont.dispatcher.provider.Ending;
import dev.symbiont.dispatcher.provider.Provider;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// Calls any program: the tier's argument template with `{model}`, `{system}` and `{schema}` filled
/// in, the prompt on stdin, and one JSON object on stdout:
///
/// `{"result": "…", "structured_output": {…}, "input_tokens": 1, "output_tokens": 2, "cost_usd":
/// 0.003, "model": "…", "limited_until": "2026-01-01T00:00:00Z"}`, of which only `result` is
/// needed. Exit code 0 means answered, 75 (EX_TEMPFAIL) limited, 69 (EX_UNAVAILABLE) overloaded, 65
/// (EX_DATAERR) refused, 77 (EX_NOPERM) unauthenticated, others crashed. Without `cost_usd` the
/// cost is tokens times the tier's prices.
public final class ExecProvider implements Provider {

  private static final int MAX_OUTPUT = ChildProcess.LONGEST_LINE;

  private final ChildProcess child;

  public ExecProvider(ChildProcess child) {
    this.child = child;
  }

  @Override
  public Ending make(Call call) {
    List<String> arguments = arguments(call);
    Optional<Outcome> refusal = Arguments.refusal(arguments);
    if (refusal.isPresent()) {
      return unpaid(refusal.get());
    }
    Path folder = call.folder().get();
    var output = new ByteArrayOutputStream();
    var command =
        new Command(
            arguments,
            Map.of(
                "PATH",
                "/usr/local/bin:/usr/bin:/bin",
                "HOME",
                folder.toString(),
                "LANG",
                "C.UTF-8"),
            folder,
            call.prompt(),
            call.timeout());
    try {
      Exit exit =
          child.run(
              command,
              line -> output.write(line, 0, Math.min(line.length, MAX_OUTPUT - output.size())));
      return judge(exit, output.toByteArray(), call);
    } catch (IOException e) {
      return unpaid(
          new Outcome.Crashed(
              -1, "%s cannot be started: %s".formatted(call.tier().command(), e.getMessage())));
    }
  }

  private static List<String> arguments(Call call) {
    String system = call.system() == null ? "" : call.system();
    String schema = call.jsonSchema() == null ? "" : call.jsonSchema().toString();
    return call.tier().command().stream()
        .map(
            argument ->
                switch (argument) {
                  case "{model}" -> call.tier().model();
                  case "{system}" -> system;
                  case "{schema}" -> schema;
                  default -> argument;
                })
        .toList();
  }

  private static Ending judge(Exit exit, byte[] output, Call call) {
    var reserved = new Usage(0, 0, 0, 0, call.tier().typicalCostUsd(), CostBasis.UNKNOWN, null);
    Optional<Outcome> stopped = call.outcomeIfStopped(exit);
    if (stopped.isPresent()) {
      return new Ending(stopped.get(), reserved, false);
    }
    String said = CallEnded.preview(exit.stderr());
    return switch (exit.code()) {
      case 0 -> answer(output, call, reserved);
      case 65 -> unpaid(new Outcome.Refused(Outcome.Refusal.BAD_REQUEST, said));
      case 69 -> unpaid(new Outcome.Overloaded(said));
      case 75 -> unpaid(limited(output, said));
      case 77 -> unpaid(new Outcome.Unauthenticated(said));
      // The program could not be run, or not be found.
      case 126, 127 -> unpaid(crashed(exit, said));
      default -> new Ending(crashed(exit, said), reserved, false);
    };
  }

  private static Outcome crashed(Exit exit, String said) {
    return new Outcome.Crashed(
        exit.code(), "the program ended with exit code %d: %s".formatted(exit.code(), said));
  }

  private static Ending answer(byte[] output, Call call, Usage reserved) {
    JsonNode json;
    try {
      json = Codec.read(output, JsonNode.class);
    } catch (UnreadableMessageException e) {
      return new Ending(
          new Outcome.Unreadable("the program did not print one JSON object"), reserved, false);
    }
    if (!json.path("result").isString()) {
      return new Ending(
          new Outcome.Unreadable("the program's output has no 'result'"), reserved, false);
    }
    JsonNode structured = json.get("structured_output");
    if (call.jsonSchema() != null && structured == null) {
      return new Ending(
          new Outcome.Unreadable("the program's output has no 'structured_output'"),
          usage(json, call.tier()),
          false);
    }
    return new Ending(
        AnswerText.answered(json.path("result").asString(), structured),
        usage(json, call.tier()),
        json.path("simulated").asBoolean(false));
  }

  private static Outcome limited(byte[] output, String said) {
    try {
      String until = Codec.mapper().readTree(output).path("limited_until").asString("");
      return until.isEmpty()
          ? new Outcome.Limited(null, "unknown", said)
          : new Outcome.Limited(Instant.parse(until), "limited_until", said);
    } catch (JacksonException | java.time.format.DateTimeParseException e) {
      return new Outcome.Limited(null, "unknown", said);
    }
  }

  private static Usage usage(JsonNode json, Tier tier) {
    long in = json.path("input_tokens").asLong(0);
    long out = json.path("output_tokens").asLong(0);
    String model = json.path("model").asString(tier.model());
    BigDecimal said = json.path("cost_usd").asDecimal(null);
    return said == null
        ? new Usage(in, out, 0, 0, tier.prices().cost(in, out, 0, 0), CostBasis.PRICES, model)
        : new Usage(in, out, 0, 0, said, CostBasis.CLI, model);
  }

  private static Ending unpaid(Outcome outcome) {
    return new Ending(outcome, Usage.NONE, false);
  }
}
