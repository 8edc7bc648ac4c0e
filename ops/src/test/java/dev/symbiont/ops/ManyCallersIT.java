package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Many callers who wait at one gateway at once.
class ManyCallersIT {

  private static final int CALLERS = 1_000;

  private static final int MOST_BYTES_EACH = 64 * 1024;

  private static final int MOST_THREADS_MORE = 50;
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Pattern HEAP = Pattern.compile("(?m)^ *(DefNew|Tenured) .*used (\\d+)K");
  private static final String SETTINGS =
      """
      {"symbiont": {
        "tiers": [{"name": "haiku", "adapter": "exec", "command": ["/bin/echo", "{\\"result\\": \\"ok\\"}"],
          "concurrency": 16, "rate": {"calls": 100000, "period": "1m"}}],
        "router": {"default-tier": "haiku"}}}
      """;

  @TempDir private Path folder;

  @Test
  void eachIsAnsweredAndNoneHasAThreadOfItsOwn() throws Exception {
    try (var fleet = new FleetProcesses(folder, Map.of("SPRING_APPLICATION_JSON", SETTINGS));
        var http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      fleet.start("ledger").awaitOutput("ledger is up");
      fleet.start("router").awaitOutput("router is up");
      SymbiontProcess gateway = fleet.start("gateway").awaitOutput("gateway is up");
      await("the ledger").atMost(Duration.ofSeconds(20)).until(() -> fleet.gateway().hasLedger());
      var request =
          HttpRequest.newBuilder(URI.create(fleet.gateway().address() + "/task"))
              .timeout(PATIENCE)
              .POST(HttpRequest.BodyPublishers.ofString("{\"task\": \"hello\"}"))
              .build();
      // One that warms the gateway up, and waits with the others.
      CompletableFuture<HttpResponse<String>> first = send(http, request);
      awaitOpen(fleet, List.of(first));
      long heapBefore = heap(gateway);
      int threadsBefore = threads(gateway);

      List<CompletableFuture<HttpResponse<String>>> all =
          Stream.concat(
                  Stream.of(first), IntStream.range(0, CALLERS).mapToObj(_ -> send(http, request)))
              .toList();
      awaitOpen(fleet, all);
      long each = (heap(gateway) - heapBefore) / CALLERS;
      int threads = threads(gateway) - threadsBefore;
      System.out.printf(
          "%d waiting callers: %d bytes each, %d more threads%n", CALLERS, each, threads);
      fleet.start("dispatcher").awaitOutput("dispatcher is up");

      for (var answer : all) {
        assertThat(answer.get().statusCode()).as(answer.get().body()).isEqualTo(200);
      }
      assertThat(each).isLessThan(MOST_BYTES_EACH);
      assertThat(threads).isLessThan(MOST_THREADS_MORE);
    }
  }

  private static CompletableFuture<HttpResponse<String>> send(
      HttpClient http, HttpRequest request) {
    return http.sendAsync(request, HttpResponse.BodyHandlers.ofString());
  }

  /// Nobody works on them, so whoever is answered already has been refused.
  private static void awaitOpen(
      FleetProcesses fleet, List<CompletableFuture<HttpResponse<String>>> tasks) {
    await("so many accepted")
        .atMost(PATIENCE)
        .until(
            () -> {
              for (var task : tasks) {
                if (task.isDone()) {
                  throw new AssertionError("%s %s".formatted(task, task.get().body()));
                }
              }
              return fleet.gateway().get("/status").body().path("queue_size").asInt();
            },
            it -> it == tasks.size());
  }

  /// What is in use after a collection.
  private static long heap(SymbiontProcess process) throws Exception {
    jcmd(process, "GC.run");
    Matcher matcher = HEAP.matcher(jcmd(process, "GC.heap_info"));
    long kilobytes = 0;
    while (matcher.find()) {
      kilobytes += Long.parseLong(matcher.group(2));
    }
    assertThat(kilobytes).isPositive();
    return kilobytes * 1024;
  }

  private static int threads(SymbiontProcess process) throws IOException {
    return Files.readAllLines(Path.of("/proc/%d/status".formatted(process.pid()))).stream()
        .filter(it -> it.startsWith("Threads:"))
        .mapToInt(it -> Integer.parseInt(it.replaceAll("\\D+", "")))
        .findFirst()
        .orElseThrow();
  }

  private static String jcmd(SymbiontProcess process, String command) throws Exception {
    var builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
            Long.toString(process.pid()),
            command);
    Process jcmd = builder.redirectErrorStream(true).start();
    String output = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(jcmd.waitFor()).as(output).isZero();
    return output;
  }
}
