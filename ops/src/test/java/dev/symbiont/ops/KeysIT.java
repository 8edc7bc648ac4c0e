package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.symbiont.contract.KeyText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// Two gateways that ask for keys.
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class KeysIT {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration REVOKED_WITHIN = Duration.ofSeconds(1);
  private static final String TASK = "{\"task\": \"hello\", \"force_tier\": \"haiku\"}";

  @TempDir private static Path folder;
  private static FleetProcesses fleet;
  private static SymbiontProcess ledger;
  private static HttpCaller one;
  private static HttpCaller other;
  private static String red;
  private static String blue;
  private static String reader;
  private static String operator;

  @BeforeAll
  static void start() throws Exception {
    fleet =
        new FleetProcesses(
            folder,
            Map.of(
                "SYMBIONT_KEYS",
                "true",
                "SYMBIONT_SIMULATED_SECONDS",
                "0",
                "SPRING_APPLICATION_JSON",
                """
                {"symbiont": {"tiers": [{"name": "haiku", "typical-cost-usd": 0.01}],
                  "router": {"default-tier": "haiku"}, "gateway": {"origins": ["https://tools.example.com"]}}}
                """));
    ledger = fleet.start("ledger").awaitOutput("ledger is up");
    for (String role : List.of("router", "dispatcher", "gateway")) {
      fleet.start(role).awaitOutput(role + " is up");
    }
    int otherPort = FleetProcesses.freePort();
    fleet.environment().put("SYMBIONT_PORT", Integer.toString(otherPort));
    fleet.start("gateway").awaitOutput("gateway is up");
    one = HttpCaller.to(fleet.port);
    other = HttpCaller.to(otherPort);
    red = create("red team", "--label", "team=red");
    blue = create("blue team");
    reader = create("auditor", "--scope", "read_all");
    operator = create("operator", "--scope", "submit,read_all,operate");
  }

  @AfterAll
  static void stop() throws IOException {
    one.close();
    other.close();
    fleet.close();
  }

  @Order(1)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Bearer",
        "Bearer sym_",
        "Bearer sym_aaaaaaaaaa_00000000000000000000000000000000000000",
        "Basic c3ltOnN5bQ=="
      })
  void withoutAKeyNothingOpens(String header) {
    HttpCaller.Answer answer =
        header.isEmpty()
            ? one.post("/task", bytes(TASK), PATIENCE)
            : one.post("/task", bytes(TASK), PATIENCE, "Authorization", header);

    assertThat(answer.status()).isEqualTo(401);
    assertThat(answer.header("WWW-Authenticate")).startsWith("Bearer");
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(one.get("/openapi.json", PATIENCE).status()).isEqualTo(200);
  }

  @Order(1)
  @Test
  void metersNeedAKeyThatSeesAllAndHealthNeedsNone() {
    assertThat(one.get("/health/live", PATIENCE).status()).isEqualTo(200);
    assertThat(one.get("/health/ready", PATIENCE).status()).isEqualTo(200);
    assertThat(one.get("/metrics", PATIENCE).status()).isEqualTo(401);
    assertThat(get(one, red, "/metrics").status()).isEqualTo(403);
    assertThat(get(one, reader, "/metrics").status()).isEqualTo(200);
  }

  /// A typing error is no key, and neither is a key with another secret.
  @Order(1)
  @Test
  void aTextThatDiffersOpensNothing() {
    String typo = red.substring(0, red.length() - 8) + "AAAAAAAA";
    String foreign = KeyText.draw(id(red), new java.security.SecureRandom()).reveal();
    assertThat(KeyText.parse(typo)).isEmpty();

    for (String wrong : List.of(typo, foreign)) {
      assertThat(post(one, wrong, "/queue", TASK).status()).isEqualTo(401);
    }
  }

  @Order(2)
  @Test
  void whatIsAnothersIsNotThere() throws Exception {
    String green = create("green team");
    HttpCaller.Answer done = post(one, red, "/task", TASK);
    assertThat(done.status()).isEqualTo(200);
    String id = done.body().path("id").asString();

    for (HttpCaller gateway : List.of(one, other)) {
      assertThat(get(gateway, red, "/tasks/" + id).body().path("labels").path("team").asString())
          .isEqualTo("red");
      assertThat(get(gateway, red, "/tasks").body().path("tasks"))
          .extracting(it -> it.path("id").asString())
          .contains(id);
      assertThat(get(gateway, red, "/ledger").body().path("count").asInt()).isPositive();
      assertThat(get(gateway, reader, "/tasks/" + id).status()).isEqualTo(200);
      for (String path : List.of("/tasks/" + id, "/tasks/" + id + "/events")) {
        assertThat(get(gateway, green, path).status()).as(path).isEqualTo(404);
      }
      assertThat(get(gateway, green, "/tasks").body().path("count").asInt()).isZero();
      assertThat(get(gateway, green, "/ledger").body().path("count").asInt()).isZero();
      assertThat(get(gateway, green, "/ledger/stats").body().path("total_calls").asInt()).isZero();
      assertThat(get(gateway, green, "/ledger/export").response().body()).isEmpty();
      assertThat(delete(gateway, green, "/tasks/" + id).status()).isEqualTo(404);
      assertThat(delete(gateway, operator, "/tasks/" + id).status()).isEqualTo(409); // has ended
    }
    assertThat(get(one, red, "/ledger/stats?group_by=label:team").body().path("groups").path("red"))
        .isNotEmpty();
  }

  @Order(2)
  @Test
  void theSameNameFromAnotherKeyIsAnotherTask() {
    String first = idOf(post(one, red, "/task", TASK, "Idempotency-Key", "k-1"));
    String again = idOf(post(other, red, "/task", TASK, "Idempotency-Key", "k-1"));
    String foreign = idOf(post(one, blue, "/task", TASK, "Idempotency-Key", "k-1"));

    assertThat(again).isEqualTo(first);
    assertThat(foreign).isNotEqualTo(first);
    String named = "{\"task\": \"hello\", \"force_tier\": \"haiku\", \"id\": \"named-1\"}";
    assertThat(post(one, red, "/task", named).status()).isEqualTo(200);
    HttpCaller.Answer taken = post(one, blue, "/task", named);
    assertThat(taken.status()).isEqualTo(422);
    assertThat(new String(taken.response().body(), StandardCharsets.UTF_8))
        .doesNotContain("result");
  }

  @Order(2)
  @Test
  void aKeyOpensWhatItsScopesSay() {
    assertThat(post(one, reader, "/task", TASK).status()).isEqualTo(403);
    assertThat(post(one, red, "/tiers/haiku/pause", "{}").status()).isEqualTo(403);
    assertThat(get(one, red, "/dead-letters").status()).isEqualTo(403);
    assertThat(get(one, red, "/status").status()).isEqualTo(403);
    assertThat(get(one, red, "/tiers").status()).isEqualTo(200);
    assertThat(get(one, reader, "/status").status()).isEqualTo(200);
    assertThat(post(one, operator, "/tiers/haiku/pause", "{}").status()).isEqualTo(200);
    assertThat(post(other, operator, "/tiers/haiku/wake", "{}").status()).isEqualTo(200);
  }

  @Order(2)
  @Test
  void aTaskCannotSayOtherwiseThanItsKey() {
    HttpCaller.Answer other =
        post(one, red, "/queue", "{\"task\": \"x\", \"labels\": {\"team\": \"blue\"}}");
    assertThat(other.status()).isEqualTo(403);
    assertThat(other.body().path("field").asString()).isEqualTo("labels.team");
    HttpCaller.Answer ours =
        post(
            one,
            blue,
            "/queue",
            "{\"task\": \"x\", \"labels\": {\"symbiont.key\": \"%s\"}}".formatted(id(red)));
    assertThat(ours.status()).isEqualTo(422);
    assertThat(ours.body().path("field").asString()).isEqualTo("labels");
  }

  @Order(2)
  @Test
  void otherFormatsTakeKeysTheirOwnWay() {
    String chat =
        "{\"model\": \"haiku\", \"max_tokens\": 9, \"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}";

    assertThat(one.post("/v1/messages", bytes(chat), PATIENCE, "x-api-key", red).status())
        .isEqualTo(200);
    assertThat(post(one, red, "/v1/chat/completions", chat).status()).isEqualTo(200);
    assertThat(one.post("/v1/messages", bytes(chat), PATIENCE, "x-api-key", "no").status())
        .isEqualTo(401);
  }

  @Order(2)
  @Test
  void pagesOfOthersStayOutside() {
    assertThat(get(one, red, "/tasks", "Origin", "https://evil.example.com").status())
        .isEqualTo(403);
    assertThat(
            get(one, red, "/tasks", "Origin", "https://tools.example.com")
                .header("Access-Control-Allow-Origin"))
        .isEqualTo("https://tools.example.com");
  }

  @Order(2)
  @Test
  void whatAKeyMaySpendInADayIsBounded() throws Exception {
    String poor = create("poor", "--usd-per-day", "0.01", "--when-spent", "refuse");

    HttpCaller.Answer last = post(one, poor, "/task", TASK);
    assertThat(last.status()).isEqualTo(200);
    last = post(other, poor, "/task", TASK);

    assertThat(last.status()).isEqualTo(502);
    assertThat(last.body().path("detail").asString())
        .contains("the budget of label:symbiont.key=" + id(poor));
    assertThat(post(one, blue, "/task", TASK).status()).isEqualTo(200);
  }

  @Order(3)
  @Test
  void aRotatedKeyOpensWithBothTextsForAWhile() throws Exception {
    String rotated = run("keys", "rotate", id(blue), "--grace", "PT1H");
    assertThat(get(one, blue, "/tasks").status()).isEqualTo(200);
    assertThat(get(other, rotated, "/tasks").status()).isEqualTo(200);
    String last = run("keys", "rotate", id(blue));
    for (String old : List.of(blue, rotated)) {
      await("the old text")
          .atMost(REVOKED_WITHIN)
          .until(() -> get(one, old, "/tasks").status() == 401);
    }
    assertThat(get(other, last, "/tasks").status()).isEqualTo(200);
  }

  @Order(4)
  @Test
  void aRevokedKeyOpensNothingAnywhereAtOnce() throws Exception {
    String doomed = create("doomed");
    assertThat(get(one, doomed, "/tasks").status()).isEqualTo(200);
    assertThat(get(other, doomed, "/tasks").status()).isEqualTo(200);

    assertThat(run("keys", "revoke", id(doomed))).isEqualTo(id(doomed) + " is revoked");

    // The command has ended after the ledger-writer's answer.
    await("both")
        .atMost(REVOKED_WITHIN)
        .until(
            () ->
                get(one, doomed, "/tasks").status() == 401
                    && get(other, doomed, "/tasks").status() == 401);
    assertThat(run("keys", "list")).contains(id(doomed) + "  revoked");
  }

  @Order(5)
  @Test
  void keysOutliveTheLedgerWriterAndStandNowhere() throws Exception {
    ledger.kill();
    fleet.start("ledger").awaitOutput("ledger is up");
    fleet.environment().put("SYMBIONT_PORT", Integer.toString(FleetProcesses.freePort()));
    try (SymbiontProcess late = fleet.start("gateway").awaitOutput("gateway is up");
        HttpCaller third =
            HttpCaller.to(Integer.parseInt(fleet.environment().get("SYMBIONT_PORT")))) {
      await("the keys").atMost(PATIENCE).until(() -> get(third, red, "/tasks").status() == 200);
      assertThat(late.output()).doesNotContain(red);
    }
    var written = new ArrayList<String>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String content = Files.readString(file, StandardCharsets.ISO_8859_1);
        if (!file.getFileName().toString().startsWith("keys-create") && content.contains(red)) {
          written.add(file.toString());
        }
      }
    }
    assertThat(written).isEmpty();
  }

  @Order(6)
  @Test
  void aKeyMaySendSoManyRequestsASecond() {
    fleet.environment().put("SYMBIONT_PORT", Integer.toString(FleetProcesses.freePort()));
    fleet.environment().put("SYMBIONT_GATEWAY_REQUESTSPERSECOND", "1");
    try (SymbiontProcess slow = fleet.start("gateway").awaitOutput("gateway is up");
        HttpCaller third =
            HttpCaller.to(Integer.parseInt(fleet.environment().get("SYMBIONT_PORT")))) {
      await("the keys").atMost(PATIENCE).until(() -> get(third, red, "/tasks").status() != 503);

      List<HttpCaller.Answer> answers =
          IntStream.range(0, 5).mapToObj(_ -> get(third, red, "/tasks")).toList();

      assertThat(answers)
          .filteredOn(it -> it.status() == 429)
          .hasSizeGreaterThanOrEqualTo(3)
          .allSatisfy(it -> assertThat(it.header("Retry-After")).isEqualTo("1"));
      assertThat(get(third, reader, "/tasks").status()).isEqualTo(200);
      assertThat(slow.output()).doesNotContain(red);
    }
  }

  private static String create(String name, String... more) throws Exception {
    return run(
        Stream.concat(Stream.of("keys", "create", name), Stream.of(more)).toArray(String[]::new));
  }

  /// The last line that a command says.
  private static String run(String... arguments) throws Exception {
    try (SymbiontProcess process = SymbiontProcess.start(folder, fleet.environment(), arguments)) {
      assertThat(process.awaitExit()).as(process.output()).isZero();
      return arguments[1].equals("list")
          ? process.output()
          : process.output().strip().lines().toList().getLast();
    }
  }

  private static String id(String text) {
    return KeyText.parse(text).orElseThrow().id();
  }

  private static String idOf(HttpCaller.Answer answer) {
    assertThat(answer.status()).isEqualTo(200);
    JsonNode body = answer.body();
    return body.path("id").asString();
  }

  private static HttpCaller.Answer get(
      HttpCaller gateway, String key, String path, String... more) {
    return gateway.get(path, PATIENCE, headers(key, more));
  }

  private static HttpCaller.Answer post(
      HttpCaller gateway, String key, String path, String body, String... more) {
    return gateway.post(path, bytes(body), PATIENCE, headers(key, more));
  }

  private static HttpCaller.Answer delete(HttpCaller gateway, String key, String path) {
    return gateway.delete(path, PATIENCE, headers(key));
  }

  private static String[] headers(String key, String... more) {
    return Stream.concat(Stream.of("Authorization", "Bearer " + key), Stream.of(more))
        .toArray(String[]::new);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
