package dev.symbiont.ops;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// The command line as a process of its own, seeing nothing of the surroundings but what the test
/// gives it.
final class SymbiontProcess implements AutoCloseable {

  static final Path ROOT =
      Path.of(System.getProperty("symbiont.root", "..")).toAbsolutePath().normalize();

  /// The jars of the launcher. Jars alone: the archive below takes no folders of classes.
  private static final String CLASS_PATH =
      "%1$s/ops/target/lib/*:%1$s/ops/target/ops-1-SNAPSHOT.jar".formatted(ROOT);

  private static final List<String> JVM =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "--enable-native-access=ALL-UNNAMED",
          "-Xlog:disable",
          "-Xlog:all=error,aot*=off,cds*=off:stderr");

  private static final Path ARCHIVE = archive();

  private final Process process;
  private final Path log;

  private SymbiontProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  static SymbiontProcess start(Path folder, Map<String, String> environment, String... arguments) {
    return start(ROOT, folder, environment, arguments);
  }

  /// @param root what it takes for the project's folder
  static SymbiontProcess start(
      Path root, Path folder, Map<String, String> environment, String... arguments) {
    return start(root, folder, environment, List.of(), arguments);
  }

  /// @param stdin a file that it reads
  static SymbiontProcess reading(
      Path stdin, Path folder, Map<String, String> environment, String... arguments) {
    return start(
        ROOT,
        folder,
        environment,
        List.of(),
        ProcessBuilder.Redirect.from(stdin.toFile()),
        arguments);
  }

  /// @param jvm more options for its virtual machine
  static SymbiontProcess start(
      Path root,
      Path folder,
      Map<String, String> environment,
      List<String> jvm,
      String... arguments) {
    return start(root, folder, environment, jvm, ProcessBuilder.Redirect.PIPE, arguments);
  }

  /// @param jvm more options for its virtual machine, among them other jars
  static SymbiontProcess start(
      Path root,
      Path folder,
      Map<String, String> environment,
      List<String> jvm,
      ProcessBuilder.Redirect stdin,
      String... arguments) {
    var options = new ArrayList<>(List.of("-XX:SharedArchiveFile=" + ARCHIVE));
    options.add("-Dsymbiont.root=" + root);
    options.addAll(jvm);
    List<String> command = command(options, arguments);
    try {
      Path log =
          Files.createTempFile(folder, String.join("-", arguments).replaceAll("\\W+", "-"), ".log");
      var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectInput(stdin);
      builder.redirectOutput(log.toFile());
      builder.environment().clear();
      builder.environment().put("PATH", "/usr/bin:/bin");
      builder.environment().put("HOME", folder.toString());
      builder.environment().putAll(environment);
      return new SymbiontProcess(builder.start(), log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// @param options for its virtual machine
  static List<String> command(List<String> options, String... arguments) {
    var command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(JVM);
    command.addAll(List.of("-cp", CLASS_PATH));
    command.addAll(options);
    command.add(Symbiont.class.getName());
    command.addAll(List.of(arguments));
    return command;
  }

  /// What a process loads when it starts, laid out once: some hundred of them are started by the
  /// tests, and each takes half the time then. Without it they only take longer.
  private static Path archive() {
    Path archive = ROOT.resolve("ops/target/tests.jsa");
    try {
      Files.deleteIfExists(archive);
      Path log = Files.createTempFile("symbiont-archive", ".log");
      List<String> options =
          List.of("-XX:ArchiveClassesAtExit=" + archive, "-Dsymbiont.root=" + ROOT);
      var builder =
          new ProcessBuilder(command(options, "start", "gateway", "--wait", "--load-all"))
              .redirectErrorStream(true)
              .redirectOutput(log.toFile());
      builder
          .environment()
          .putAll(Map.of("SYMBIONT_BROKER", "amqp://127.0.0.1:1", "SYMBIONT_PORT", "0"));
      var trial = new SymbiontProcess(builder.start(), log);
      trial.awaitOutput("is up").close();
      Files.delete(log);
      return archive;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  long pid() {
    return process.pid();
  }

  SymbiontProcess awaitOutput(String text) {
    await(text)
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              String output = output();
              if (!process.isAlive() && !output.contains(text)) {
                throw new AssertionError(
                    "it ended before it said '%s':%n%s".formatted(text, output));
              }
              return output.contains(text);
            });
    return this;
  }

  String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ProcessHandle handle() {
    return process.toHandle();
  }

  int awaitExit() throws InterruptedException {
    return awaitExit(90);
  }

  int awaitExit(int seconds) throws InterruptedException {
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      throw new AssertionError("it does not end:%n%s".formatted(output()));
    }
    return process.exitValue();
  }

  /// As a crash: no clean-up.
  void kill() throws InterruptedException {
    process.destroyForcibly();
    awaitExit();
  }

  void interrupt() throws IOException, InterruptedException {
    signal("INT");
  }

  void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
