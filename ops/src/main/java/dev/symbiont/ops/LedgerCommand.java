package dev.symbiont.ops;

import dev.symbiont.ledger.arbiter.Backoff;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.DamagedLogException;
import dev.symbiont.ledger.writer.LedgerFiles;
import dev.symbiont.ledger.writer.Writer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// The ledger: its newest lines, and whether it is intact.
final class LedgerCommand extends ListCommands.Newest {

  LedgerCommand() {
    super("/ledger", "The newest calls, one line each: what they cost, and for which task.");
    option("model", ListCommands.text("--model", "MODEL"));
  }

  @Override
  void show(JsonNode answer, Page page) {
    var table =
        new Table("WHEN", "TIER", "OUTCOME", ">SECONDS", ">IN", ">OUT", ">COST", "TASK", "PROMPT");
    for (JsonNode call : answer.path("entries")) {
      table.row(
          Shown.line(call.path("timestamp")),
          Shown.line(call.path("tier")),
          Shown.line(call.path("outcome")),
          call.path("elapsed_seconds").asString(""),
          call.path("input_tokens").asString(""),
          call.path("output_tokens").asString(""),
          Shown.usd(call.path("estimated_cost_usd")),
          Shown.line(call.path("task_id")),
          Shown.line(call.path("prompt_preview")));
    }
    ListCommands.printOr("no such call", table, answer, page);
  }

  /// Checks the chains from the first line to the last. Reads the files; needs no fleet.
  @Command(
      mixinStandardHelpOptions = true,
      description = "Check every line of tasks.jsonl and ledger.jsonl against the chain of hashes.")
  static final class Verify implements Callable<Integer> {

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException {
      var files = new LedgerFiles(Installation.current().ledgerFolder());
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      boolean intact = true;
      for (Path file : List.of(files.journal(), files.ledger())) {
        if (!Files.exists(file)) {
          throw new SetupException("there is no %s; nothing was recorded yet".formatted(file));
        }
        try {
          ChainedLog.Mark head = ChainedLog.verify(file, _ -> {});
          out.println("%s: %d lines, intact, head %s".formatted(file, head.lines(), head.head()));
        } catch (DamagedLogException e) {
          out.println(e.getMessage());
          intact = false;
        }
      }
      return intact ? 0 : Symbiont.FAILED;
    }
  }

  /// Deletes the index and builds it anew. The ledger-writer must be stopped.
  @Command(
      mixinStandardHelpOptions = true,
      description =
          "Build the index, and what is missing of ledger.jsonl, anew from tasks.jsonl. Stop the ledger-writer first.")
  static final class Reindex implements Callable<Integer> {

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException {
      var files = new LedgerFiles(Installation.current().ledgerFolder());
      PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
      if (!Files.exists(files.journal())) {
        throw new SetupException(
            "there is no %s; nothing was recorded yet".formatted(files.journal()));
      }
      FileLock lock =
          files
              .tryLock()
              .orElseThrow(
                  () ->
                      new SetupException(
                          "a ledger-writer is using %s; stop it first".formatted(files.folder())));
      try (var held = lock.acquiredBy()) {
        files.keepNative();
        for (String repair : Writer.reindex(files, Backoff.DEFAULT)) {
          out.println(repair);
        }
        out.println("the index of %s is built anew".formatted(files.folder()));
        return held.isOpen() ? 0 : Symbiont.FAILED;
      }
    }
  }
}
