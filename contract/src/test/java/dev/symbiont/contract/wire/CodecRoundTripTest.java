package dev.symbiont.contract.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.symbiont.contract.AcceptedTask;
import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CancelRequested;
import dev.symbiont.contract.Confidence;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.DecidedBy;
import dev.symbiont.contract.Decision;
import dev.symbiont.contract.GrantAnswer;
import dev.symbiont.contract.KeySet;
import dev.symbiont.contract.KeyText;
import dev.symbiont.contract.Message;
import dev.symbiont.contract.Outcome;
import dev.symbiont.contract.Priority;
import dev.symbiont.contract.Purpose;
import dev.symbiont.contract.Reply;
import dev.symbiont.contract.RoutedTask;
import dev.symbiont.contract.Scope;
import dev.symbiont.contract.Spent;
import dev.symbiont.contract.StopCall;
import dev.symbiont.contract.Task;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.TierSet;
import dev.symbiont.contract.TierState;
import dev.symbiont.contract.TriedTier;
import dev.symbiont.contract.Usage;
import dev.symbiont.contract.Webhook;
import dev.symbiont.contract.WhenSpent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Whatever the fleet writes it can read again, at this step and at every later one that carries
/// it.
class CodecRoundTripTest {

  private static final int MESSAGES = 2_000;

  @Test
  void anyMessageComesBackEqualAndOnOneLine() {
    long seed = Long.getLong("symbiont.test.seed", 20260319L);
    var random = new Random(seed);
    for (int i = 0; i < MESSAGES; i++) {
      Message message = message(random);

      byte[] body = Codec.encode(message);

      assertThat(Codec.decode(Codec.schemaOf(message), body))
          .as("message %d of seed %d (set -Dsymbiont.test.seed)", i, seed)
          .isEqualTo(message);
      assertThat(new String(body, UTF_8).split("\\R|\u001c|\u001d|\u001e", -1))
          .as("lines of message %d of seed %d", i, seed)
          .hasSize(1);
    }
  }

  @Test
  void aTaskWithAJsonSchemaOfNinetyLevelsGoesAllTheWay() {
    assertThat(lifeOf(taskWithSchema(nested(90)))).isNotNull();
  }

  @Test
  void whatIsAcceptedCanBeReadAtEveryLaterStep() {
    assertThat(lifeOf(taskWithSchema(nested(99)))).isNotNull();
  }

  @Test
  void aNumberWithALargeExponentThatIsAcceptedCanBeReadAgain() {
    assertThat(lifeOf(taskWithSchema("{\"maximum\":1e5000}"))).isNotNull();
    assertThat(lifeOf(taskWithSchema("{\"maximum\":1e99999}"))).isNotNull();
  }

  /// The task as the last of its messages carries it, if it can be read that far or is refused at
  /// once.
  private static Object lifeOf(byte[] submitted) {
    Task task;
    try {
      task = Codec.read(submitted, Task.class).withId("task-1");
    } catch (UnreadableMessageException e) {
      return e;
    }
    var accepted = again(new AcceptedTask(task, Instant.EPOCH, Reply.NONE, false));
    var call = call(new Random(1), new Outcome.Overloaded(""));
    var classified = again(call.carrying(accepted));
    var carried = java.util.Objects.requireNonNull(classified.accepted());
    var decision = new Decision("a", Confidence.LOW, "", DecidedBy.RULE, BigDecimal.ZERO);
    var routed = RoutedTask.first(carried, decision);
    return again(routed.waitFor("b", null, "", routed.tried(call, BigDecimal.ZERO), call));
  }

  @SuppressWarnings("unchecked")
  private static <M extends Message> M again(M message) {
    return (M) Codec.decode(Codec.schemaOf(message), Codec.encode(message));
  }

  private static byte[] taskWithSchema(String schema) {
    return "{\"task\":\"x\",\"json_schema\":%s}".formatted(schema).getBytes(UTF_8);
  }

  private static String nested(int depth) {
    return "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);
  }

  private static Message message(RandomGenerator random) {
    return switch (random.nextInt(10)) {
      case 0 -> task(random);
      case 1 -> accepted(random);
      case 2 -> call(random, outcome(random)).carrying(accepted(random));
      case 3 ->
          new RoutedTask(
              accepted(random),
              decision(random),
              word(random),
              1 + random.nextInt(5),
              random.nextInt(5),
              random.nextBoolean() ? null : instant(random),
              random.nextBoolean() ? null : text(random),
              List.of(
                  new TriedTier(
                      word(random), "limited", text(random), amount(random), random.nextInt(5))),
              random.nextBoolean() ? null : call(random, outcome(random)),
              random.nextInt(3));
      case 4 -> grant(random);
      case 5 ->
          new TierState(
              word(random),
              pick(random, TierState.Phase.values()),
              instant(random),
              random.nextBoolean() ? null : instant(random),
              random.nextBoolean() ? null : text(random),
              random.nextBoolean() ? null : amount(random));
      case 6 ->
          new TierSet(
              word(random), pick(random, TierSet.Action.values()), word(random), instant(random));
      case 7 ->
          random.nextBoolean()
              ? keySet(random)
              : new Webhook(
                  word(random),
                  "https://example.org/" + word(random),
                  "task.succeeded",
                  instant(random),
                  Codec.mapper().createObjectNode().put("text", text(random)),
                  1 + random.nextInt(9),
                  random.nextBoolean() ? null : text(random));
      case 8 ->
          random.nextBoolean()
              ? new StopCall(word(random))
              : new CancelRequested(word(random), instant(random));
      default ->
          new TaskEnded(
              word(random),
              pick(random, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SET_ASIDE),
              text(random),
              random.nextBoolean() ? null : decision(random),
              List.of(),
              random.nextBoolean() ? null : call(random, outcome(random)),
              amount(random),
              instant(random),
              random.nextInt(3));
    };
  }

  private static GrantAnswer grant(RandomGenerator random) {
    var spent = new Spent(amount(random), amount(random));
    var until = random.nextBoolean() ? null : instant(random);
    return switch (random.nextInt(4)) {
      case 0 ->
          new GrantAnswer.Granted(
              word(random), word(random), random.nextBoolean() ? null : duration(random), spent);
      case 1 -> new GrantAnswer.NotBefore(word(random), duration(random), spent);
      case 2 -> new GrantAnswer.Closed(word(random), text(random), until, spent);
      default ->
          new GrantAnswer.OverBudget(
              word(random), pick(random, WhenSpent.values()), text(random), until, spent);
    };
  }

  private static Duration duration(RandomGenerator random) {
    return Duration.ofNanos(random.nextLong());
  }

  private static Task task(RandomGenerator random) {
    return new Task(
        word(random),
        "x" + text(random),
        random.nextBoolean() ? null : word(random),
        random.nextBoolean() ? null : random.nextBoolean(),
        random.nextBoolean() ? null : random.nextBoolean(),
        pick(random, Priority.values()),
        random.nextBoolean() ? null : instant(random),
        random.nextBoolean() ? null : 1 + random.nextInt(Integer.MAX_VALUE),
        random.nextBoolean() ? null : amount(random).abs().add(BigDecimal.ONE),
        null,
        random.nextBoolean() ? null : text(random),
        random.nextBoolean() ? null : json(random),
        Map.of(word(random), text(random)),
        null);
  }

  private static AcceptedTask accepted(RandomGenerator random) {
    var reply =
        switch (random.nextInt(3)) {
          case 0 -> Reply.NONE;
          case 1 -> Reply.toGateway(word(random));
          default -> new Reply(null, word(random), text(random));
        };
    return new AcceptedTask(task(random), instant(random), reply, random.nextBoolean());
  }

  private static KeySet keySet(RandomGenerator random) {
    return new KeySet(
        new AccessKey(
            KeyText.draw(random).id(),
            "of " + word(random),
            EnumSet.of(pick(random, Scope.values()), pick(random, Scope.values())),
            Map.of(word(random), text(random)),
            random.nextBoolean() ? null : amount(random).abs().add(BigDecimal.ONE),
            pick(random, WhenSpent.values()),
            List.of(
                new AccessKey.Secret(word(random), random.nextBoolean() ? null : instant(random))),
            instant(random),
            random.nextBoolean() ? null : instant(random),
            random.nextBoolean() ? null : instant(random),
            random.nextInt(9)),
        word(random),
        instant(random));
  }

  private static CallEnded call(RandomGenerator random, Outcome outcome) {
    return new CallEnded(
        word(random),
        word(random),
        pick(random, Purpose.values()),
        word(random),
        word(random),
        random.nextInt(),
        word(random),
        instant(random),
        amount(random),
        outcome,
        new Usage(
            random.nextLong(),
            random.nextLong(),
            0,
            1,
            amount(random),
            pick(random, CostBasis.values()),
            random.nextBoolean() ? null : word(random)),
        random.nextBoolean(),
        text(random),
        random.nextBoolean()
            ? null
            : new CallEnded.LimitWarning(
                amount(random), random.nextBoolean() ? null : instant(random)),
        null);
  }

  private static Outcome outcome(RandomGenerator random) {
    return switch (random.nextInt(4)) {
      case 0 -> new Outcome.Answered(text(random), json(random), random.nextBoolean());
      case 1 ->
          new Outcome.Limited(
              random.nextBoolean() ? null : instant(random), word(random), text(random));
      case 2 -> new Outcome.Crashed(random.nextInt(256), text(random));
      default -> new Outcome.Refused(pick(random, Outcome.Refusal.values()), text(random));
    };
  }

  private static Decision decision(RandomGenerator random) {
    return new Decision(
        word(random),
        pick(random, Confidence.values()),
        text(random),
        pick(random, DecidedBy.values()),
        amount(random));
  }

  private static JsonNode json(RandomGenerator random) {
    var object = Codec.mapper().createObjectNode();
    object.put("text", text(random));
    object.put("amount", amount(random));
    object.putArray("list").add(random.nextLong()).add(random.nextBoolean()).addNull();
    // As it is read: a tree tells whole numbers from decimals, and JSON does not.
    return Codec.mapper().readTree(Codec.mapper().writeValueAsBytes(object));
  }

  private static BigDecimal amount(RandomGenerator random) {
    var digits = new byte[1 + random.nextInt(12)];
    random.nextBytes(digits);
    return new BigDecimal(new BigInteger(digits), random.nextInt(31));
  }

  private static Instant instant(RandomGenerator random) {
    return Instant.ofEpochSecond(
        random.nextLong(-10_000_000_000L, 100_000_000_000L), random.nextInt(1_000_000_000));
  }

  private static String word(RandomGenerator random) {
    return "w" + Integer.toUnsignedString(random.nextInt(), 36);
  }

  /// Any text that has a UTF-8 form, line ends and control characters among it.
  private static String text(RandomGenerator random) {
    var text = new StringBuilder();
    for (int i = random.nextInt(20); i > 0; i--) {
      int c =
          switch (random.nextInt(4)) {
            case 0 -> random.nextInt(0x20);
            case 1 ->
                pick(random, 0x85, 0x2028, 0x2029, 0x7f, 0xfeff, 0x1f680, (int) '"', (int) '\\');
            case 2 -> random.nextInt(Character.MAX_CODE_POINT + 1);
            default -> random.nextInt(0x20, 0x7f);
          };
      boolean half = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
      text.appendCodePoint(half ? 'h' : c);
    }
    return text.toString();
  }

  @SafeVarargs
  private static <T> T pick(RandomGenerator random, T... values) {
    return values[random.nextInt(values.length)];
  }
}
