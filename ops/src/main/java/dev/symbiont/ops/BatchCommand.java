package dev.symbiont.ops;

import dev.symbiont.contract.KeyText;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// A file of tasks, each done once however often this is started.
@Command(
    mixinStandardHelpOptions = true,
    description = {
      "Do each line of a file: a prompt, or a JSON object in the form of a task. Results are JSON lines in the order of the lines.",
      "Started again after it was stopped, however it was, it goes on: no line is done twice, and what is in the results is not asked again. The tasks carry the label batch=NAME."
    })
final class BatchCommand implements Callable<Integer> {

  private static final String STDIN = "-";
  private static final String LABEL = "batch";
  private static final int MOST = 1_000;

  @Parameters(paramLabel = "FILE", description = "The lines; - for stdin.")
  private String file = "";

  @Mixin private TierAndLabels common = new TierAndLabels();

  @Option(
      names = "--at-a-time",
      paramLabel = "N",
      defaultValue = "200",
      description = "At most so many are under way (default: ${DEFAULT-VALUE}).")
  private int atATime;

  @Option(
      names = "--out",
      paramLabel = "RESULTS",
      description = "Where the results go, and are looked for first; stdout if absent.")
  private @Nullable Path out;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description =
          "Of the batch; the file's name if absent. With another name, the same lines are asked anew.")
  private @Nullable String name;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (atATime < 1 || atATime > MOST) {
      throw new SetupException("--at-a-time must be a number from 1 to %d".formatted(MOST));
    }
    var installation = Installation.current();
    List<BatchLine> lines = BatchLine.of(read(), common(installation));
    var err = Objects.requireNonNull(spec).commandLine().getErr();
    try (BatchResults results =
        out == null ? BatchResults.printed() : BatchResults.in(out, lines)) {
      if (results.count() > 0) {
        err.println("symbiont: %d lines have their results already".formatted(results.count()));
      }
      var progress = new Progress(err, Terminal.current(), lines.size());
      var running = new AtomicBoolean(true);
      Runnable ifStopped =
          () -> {
            if (running.get()) {
              sayHowToGoOn(err, results.count(), lines.size());
            }
          };
      Runtime.getRuntime().addShutdownHook(new Thread(ifStopped, "say-how-to-go-on"));
      try {
        new BatchRun(Gateway.of(installation), lines, atATime, results, progress).finish();
      } finally {
        running.set(false);
      }
      err.println(
          "symbiont: %d lines done, %d of them failed".formatted(lines.size(), results.failed()));
      return results.failed() == 0 ? 0 : Symbiont.FAILED;
    } catch (FileSystemException e) {
      throw new SetupException("%s cannot be used (%s)".formatted(out, e));
    }
  }

  /// To somebody who has pressed Ctrl-C, whatever is on that line.
  private static void sayHowToGoOn(PrintWriter err, int done, int all) {
    err.println();
    err.println(
        "symbiont: stopped after %d of %d lines; start the same command again to go on"
            .formatted(done, all));
  }

  private BatchLine.Common common(Installation installation) {
    String ours =
        name != null
            ? name
            : file.equals(STDIN) ? "stdin" : String.valueOf(Path.of(file).getFileName());
    var all = new TreeMap<>(common.labels());
    all.putIfAbsent(LABEL, ours);
    String owner = installation.key().flatMap(KeyText::parse).map(KeyText::id).orElse("");
    return new BatchLine.Common(ours, owner, common.tier(), all);
  }

  private List<String> read() throws IOException {
    try {
      byte[] bytes =
          file.equals(STDIN) ? System.in.readAllBytes() : Files.readAllBytes(Path.of(file));
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes))
          .toString()
          .lines()
          .toList();
    } catch (NoSuchFileException e) {
      throw new SetupException("there is no file %s".formatted(file));
    } catch (FileSystemException e) {
      throw new SetupException("%s cannot be read (%s)".formatted(file, e));
    } catch (CharacterCodingException e) {
      throw new SetupException("%s is no text in UTF-8".formatted(file));
    }
  }
}
