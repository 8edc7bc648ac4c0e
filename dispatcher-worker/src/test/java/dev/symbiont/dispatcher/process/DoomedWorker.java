package dev.symbiont.dispatcher.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// A worker whose one call never ends: prints the process ids of program and grandchild.
final class DoomedWorker {

  private DoomedWorker() {}

  public static void main(String[] arguments) throws IOException {
    Path work = Path.of(arguments[0]);
    var script = "trap '' TERM HUP; echo $$; sleep 600 & echo $!; while :; do sleep 1; done";
    var command =
        new Command(
            List.of("sh", "-c", script),
            Map.of("PATH", "/usr/bin:/bin"),
            work,
            "",
            Duration.ofMinutes(5));
    try (var watchdog = new Watchdog(work);
        var child = new ChildProcess(watchdog)) {
      child.run(command, line -> System.out.println(new String(line, StandardCharsets.UTF_8)));
    }
  }
}
