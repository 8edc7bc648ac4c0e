package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A place between two durable actions where a process dies once, while it is at one certain task,
/// and what has to come of that task.
///
/// @param name of the test, and in the prompt
/// @param prompt besides the name; a marker in it makes the simulated CLI fail
/// @param tier that the task is forced to; absent if it has to be classified
/// @param calls how each call ended, in the order of the ledger
/// @param begun how many of the calls the CLI itself saw
/// @param finished how many of those it could finish
/// @param rules for Byteman: they halt the process there, and nowhere else
record CrashPoint(
    String name,
    String taskId,
    String prompt,
    @Nullable String tier,
    List<String> calls,
    int begun,
    int finished,
    String rules) {

  /// As of a process that was killed.
  static final int EXIT_CODE = 137;

  /// The tier of tasks that need none of their own.
  static final String HAVEN = "haven";

  private static final String DIE = "java.lang.Runtime.getRuntime().halt(%d)".formatted(EXIT_CODE);

  /// One call, which is answered.
  static CrashPoint of(String name, String rules) {
    return new CrashPoint(name, name, "", HAVEN, List.of("answered"), 1, 1, rules);
  }

  /// The task is classified first, by a call of its own.
  CrashPoint classified() {
    return new CrashPoint(
        name,
        taskId,
        "[[sim:tier name=%s]]".formatted(HAVEN),
        null,
        List.of("answered", "answered"),
        2,
        2,
        rules);
  }

  CrashPoint named(String id) {
    return new CrashPoint(name, id, prompt, tier, calls, begun, finished, rules);
  }

  CrashPoint saying(String text) {
    return new CrashPoint(name, taskId, text, tier, calls, begun, finished, rules);
  }

  CrashPoint at(String forced) {
    return new CrashPoint(name, taskId, prompt, forced, calls, begun, finished, rules);
  }

  CrashPoint withCalls(int callsBegun, int callsFinished, String... outcomes) {
    return new CrashPoint(
        name, taskId, prompt, tier, List.of(outcomes), callsBegun, callsFinished, rules);
  }

  /// What the CLI is told, and by which its calls are recognised.
  String fullPrompt() {
    return "%s %s".formatted(mark(), prompt).strip();
  }

  String mark() {
    return "|%s|".formatted(name);
  }

  @Override
  public String toString() {
    return name;
  }

  /// When this method is reached.
  static String entering(String type, String method, String condition) {
    return rule(type, method, "ENTRY", condition, DIE);
  }

  /// When this method is through.
  static String leaving(String type, String method, String condition) {
    return rule(type, method, "EXIT", condition, DIE);
  }

  static String beforePublishOf(String event) {
    return entering(
        "dev.symbiont.hop.Publisher",
        "publish",
        "java.util.Objects.equals($1.properties().getMessageId(), \"%s\")".formatted(event));
  }

  /// Before this message is acknowledged: what follows from it is confirmed by then.
  static String beforeAcknowledging(String event) {
    return entering(
        "dev.symbiont.hop.Delivery",
        "acknowledge",
        "java.util.Objects.equals($0.properties().getMessageId(), \"%s\")".formatted(event));
  }

  /// Before the ledger-writer's batch with this event is written.
  static String beforeWriting(String event) {
    return atFlush(event, DIE);
  }

  /// Within the ledger-writer's batch with this event, or right behind it.
  static String afterWriting(String event, String rule) {
    return atFlush(event, "flag(\"%s\")".formatted(event)) + rule;
  }

  static String isWritten(String event) {
    return "flagged(\"%s\")".formatted(event);
  }

  /// Before the ledger-writer's batch with this event is acknowledged. The batches before it still
  /// are.
  static String beforeAcknowledgingBatch(String event) {
    return afterWriting(
        event,
        rule(
                "dev.symbiont.hop.Hop",
                "forwardAll",
                "ENTRY",
                "%s && linked(\"%s\") == null".formatted(isWritten(event), event),
                "link(\"%s\", $2.getLast())".formatted(event))
            + entering(
                "dev.symbiont.hop.Delivery",
                "acknowledgeUpToHere",
                "java.util.Objects.equals($0, linked(\"%s\"))".formatted(event)));
  }

  private static String atFlush(String event, String action) {
    return rule(
        "dev.symbiont.ledger.journal.ChainedLog",
        "flush",
        "ENTRY",
        "!$0.derived && $0.batch.toString().contains(\"%s\")".formatted(event),
        action);
  }

  private static String rule(
      String type, String method, String where, String condition, String action) {
    assertThat(type).satisfies(it -> assertThat(methods(it)).contains(method));
    return """
    RULE %1$s.%2$s %3$s %4$s
    CLASS %1$s
    METHOD %2$s
    AT %3$s
    IF %4$s
    DO %5$s
    ENDRULE

    """
        .formatted(type, method, where, condition, action);
  }

  /// A rule for a method that is no longer there would be ignored.
  private static List<String> methods(String type) throws ClassNotFoundException {
    return Arrays.stream(Class.forName(type).getDeclaredMethods()).map(Method::getName).toList();
  }
}
