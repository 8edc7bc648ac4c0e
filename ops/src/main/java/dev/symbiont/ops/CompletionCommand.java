package dev.symbiont.ops;

import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// What a shell needs to complete these commands and their options.
@Command(
    mixinStandardHelpOptions = true,
    description = {
      "Print a script that completes commands and options in bash and zsh.",
      "For this session: source <(./symbiont completion). For all of them: put that line, with the whole path, into ~/.bashrc or ~/.zshrc."
    })
final class CompletionCommand implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    CommandSpec root = Objects.requireNonNull(spec).root();
    spec.commandLine().getOut().print(AutoComplete.bash(root.name(), root.commandLine()));
    spec.commandLine().getOut().flush();
    return 0;
  }
}
