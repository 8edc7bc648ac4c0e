package dev.symbiont.ops.chaos;

import dev.symbiont.contract.CallEnded;
import dev.symbiont.contract.CallGranted;
import dev.symbiont.contract.CostBasis;
import dev.symbiont.contract.SetAside;
import dev.symbiont.contract.Step;
import dev.symbiont.contract.TaskEnded;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.journal.ChainedLog;
import dev.symbiont.ledger.journal.Entry;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.writer.LedgerFiles;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// Compares what the callers were promised and what the simulated CLI says was called with what the
/// journal and the ledger say. Knows nothing of how the fleet works, only what it promises.
final class Oracle {

  private static final Pattern NUMBER = Pattern.compile("chaos-(\\d+)\\.");
  private static final Pattern PID = Pattern.compile("\\w+-(\\d+)-\\w+");
  private static final String UNKNOWN = "unknown";
  private static final String CANCELLED = "cancelled";

  private final List<String> findings = new ArrayList<>();

  /// What the journal says, by task.
  private final Map<String, Story> stories = new HashMap<>();

  /// What the simulated CLI says, by number of the task.
  private final Map<Integer, Truth> truths = new HashMap<>();

  /// The last line of the ledger for each call; a later one corrects an earlier.
  private final Map<String, LedgerLine> calls = new LinkedHashMap<>();

  /// Calls of which a line of the ledger says or said that their end is not known.
  private final Set<String> everUnknown = new HashSet<>();

  private static final class Story {
    final Set<String> granted = new HashSet<>();
    final Set<String> ended = new HashSet<>();
    final List<TaskEnded> ends = new ArrayList<>();
    boolean setAside;

    boolean isOver() {
      return setAside || !ends.isEmpty();
    }
  }

  private static final class Truth {
    int begun;
    Instant lastBegan = Instant.MIN;
    final List<BigDecimal> costs = new ArrayList<>();
  }

  List<String> findings() {
    return List.copyOf(findings);
  }

  Collection<LedgerLine> calls() {
    return calls.values();
  }

  long unknownCalls() {
    return everUnknown.size();
  }

  Map<String, Long> endsByState() {
    return stories.values().stream()
        .map(
            it ->
                it.ends.isEmpty()
                    ? (it.setAside ? "set aside by a role" : "none")
                    : it.ends.getFirst().state().wire())
        .collect(Collectors.groupingBy(it -> it, java.util.TreeMap::new, Collectors.counting()));
  }

  long setAside() {
    return stories.values().stream()
        .filter(
            it ->
                it.setAside
                    || it.ends.stream()
                        .anyMatch(end -> end.state() == dev.symbiont.contract.TaskState.SET_ASIDE))
        .count();
  }

  /// Reads the files, and finds what they say against each other.
  ///
  /// @param accepted task ids by number
  /// @param disturbed whether a process was killed or paused
  void examine(
      LedgerFiles files, Path truth, Map<Integer, String> accepted, LongPredicate disturbed)
      throws IOException {
    readJournal(files.journal());
    readLedger(files.ledger());
    readTruth(truth);
    accepted.forEach(this::checkTask);
    stories.forEach(this::checkCalls);
    everUnknown.forEach(call -> checkUnknown(call, disturbed));
  }

  /// Looks at tasks that were cancelled before any call.
  ///
  /// @param cancelled when that was confirmed, by number of the task
  void checkCancelled(Map<Integer, Instant> cancelled) {
    cancelled.forEach(
        (number, at) -> {
          Truth truth = truths.get(number);
          if (truth != null && truth.lastBegan.isAfter(at)) {
            find("task number %d was called after it was cancelled".formatted(number));
          }
        });
  }

  /// Adds up what the tasks with these ids cost.
  void checkBudget(Set<String> ids, BigDecimal usd) {
    BigDecimal spent =
        calls.values().stream()
            .filter(call -> ids.contains(call.taskId()))
            .map(LedgerLine::estimatedCostUsd)
            .reduce(BigDecimal.ZERO, BigDecimal::add);
    if (spent.compareTo(usd) > 0) {
      find("a budget of $%s was overspent: $%s".formatted(usd, spent.toPlainString()));
    }
  }

  void find(String finding) {
    findings.add(finding);
  }

  private void readJournal(Path journal) throws IOException {
    var seen = new HashSet<String>();
    ChainedLog.verify(
        journal,
        line -> {
          Entry entry = Entry.read(line.bytes());
          if (!(entry.event() instanceof Step step)) {
            return;
          }
          if (!seen.add(entry.eventId())) {
            find("event %s is in the journal twice".formatted(entry.eventId()));
          }
          boolean givenUp =
              step instanceof CallEnded call && entry.eventId().equals(call.callId() + "/unknown");
          if (!givenUp && !entry.eventId().equals(derived(step))) {
            find("event %s has an id that is not derived".formatted(entry.eventId()));
          }
          note(step);
        });
  }

  /// The id that a step must have, made from nothing but what it tells.
  private static String derived(Step step) {
    return switch (step) {
      case TaskEnded(var task, var state, _, _, _, var call, _, _, _) ->
          call == null ? task + "/" + state.wire() : call.callId() + "/ended";
      case CallEnded call -> call.callId() + "/ended";
      default -> step.eventId();
    };
  }

  private void note(Step step) {
    Story story = stories.computeIfAbsent(step.taskId(), _ -> new Story());
    switch (step) {
      case CallGranted granted -> {
        if (!story.granted.add(granted.callId())) {
          find("call %s was granted twice".formatted(granted.callId()));
        }
      }
      case TaskEnded end -> story.ends.add(end);
      case SetAside _ -> story.setAside = true;
      default -> {
        // it moves the task on
      }
    }
    LedgerLine.callIn(step).ifPresent(call -> story.ended.add(call.callId()));
  }

  private void readLedger(Path ledger) throws IOException {
    ChainedLog.verify(
        ledger,
        line -> {
          LedgerLine call = Codec.read(line.bytes(), LedgerLine.class);
          LedgerLine before = calls.put(call.callId(), call);
          if (before != null && !before.outcome().equals(UNKNOWN)) {
            find("call %s is in the ledger twice".formatted(call.callId()));
          }
          if (call.outcome().equals(UNKNOWN)) {
            everUnknown.add(call.callId());
          }
        });
  }

  private void readTruth(Path truth) throws IOException {
    if (!Files.exists(truth)) {
      find("the simulated CLI was never called");
      return;
    }
    var numbers = new HashMap<Long, Integer>();
    for (String line : Files.readAllLines(truth)) {
      JsonNode event = Codec.mapper().readTree(line);
      long pid = event.path("pid").asLong();
      if (event.path("event").asString().equals("begin")) {
        Matcher number = NUMBER.matcher(event.path("prompt").asString());
        if (!number.find()) {
          find("a call that belongs to no task: " + line);
          continue;
        }
        numbers.put(pid, Integer.parseInt(number.group(1)));
        Truth truthOfTask = truthOf(numbers.get(pid));
        truthOfTask.begun++;
        truthOfTask.lastBegan =
            Instant.ofEpochMilli(event.path("time").decimalValue().movePointRight(3).longValue());
      } else if (numbers.containsKey(pid)) {
        truthOf(numbers.get(pid)).costs.add(event.path("cost_usd").decimalValue());
      }
    }
  }

  private Truth truthOf(int number) {
    return truths.computeIfAbsent(number, _ -> new Truth());
  }

  private void checkTask(int number, String id) {
    Story story = stories.get(id);
    if (story == null || !story.isOver()) {
      find("task %s (number %d) was accepted and has no end: lost".formatted(id, number));
      return;
    }
    List<LedgerLine> mine =
        story.ended.stream().filter(calls::containsKey).map(calls::get).toList();
    long unknown = story.ended.stream().filter(everUnknown::contains).count();
    if (story.ends.size() > 1 && unknown == 0) {
      find("task %s ended %d times".formatted(id, story.ends.size()));
    }
    Truth truth = truths.getOrDefault(number, new Truth());
    if (truth.begun > story.granted.size()) {
      find(
          "task %s was called %d times with %d grants"
              .formatted(id, truth.begun, story.granted.size()));
    }
    checkMoney(id, truth, mine, unknown);
    if (unknown == 0 && story.ends.size() == 1) {
      BigDecimal sum =
          mine.stream().map(LedgerLine::estimatedCostUsd).reduce(BigDecimal.ZERO, BigDecimal::add);
      if (sum.compareTo(story.ends.getFirst().totalCostUsd()) != 0) {
        find(
            "task %s says it cost %s, its calls say %s"
                .formatted(
                    id, story.ends.getFirst().totalCostUsd().toPlainString(), sum.toPlainString()));
      }
    }
  }

  /// Every amount that the CLI told is in the ledger, but for calls whose end nobody heard.
  private void checkMoney(String id, Truth truth, List<LedgerLine> mine, long unknown) {
    var unheard = new ArrayList<>(truth.costs);
    for (LedgerLine call : mine) {
      if (call.costBasis() == CostBasis.CLI && !isNeverMade(call)) {
        boolean told = removeEqual(unheard, call.estimatedCostUsd());
        if (!told) {
          find(
              "call %s cost %s in the ledger, which the CLI never said"
                  .formatted(call.callId(), call.estimatedCostUsd().toPlainString()));
        }
      }
    }
    long ended =
        mine.stream()
            .filter(it -> it.outcome().equals(UNKNOWN) || it.costBasis() != CostBasis.CLI)
            .count();
    unheard.removeIf(cost -> cost.signum() == 0);
    if (unheard.size() > ended) {
      find(
          "task %s: the CLI was paid %s for calls of which the ledger knows nothing (%d unknown)"
              .formatted(id, unheard, unknown));
    }
  }

  /// Granted too late, or to a worker that had to stop.
  private static boolean isNeverMade(LedgerLine call) {
    return call.outcome().equals(CANCELLED) && call.estimatedCostUsd().signum() == 0;
  }

  private static boolean removeEqual(List<BigDecimal> amounts, BigDecimal amount) {
    for (int i = 0; i < amounts.size(); i++) {
      if (amounts.get(i).compareTo(amount) == 0) {
        amounts.remove(i);
        return true;
      }
    }
    return false;
  }

  private void checkCalls(String id, Story story) {
    for (String call : story.granted) {
      if (!story.ended.contains(call)) {
        find("call %s has a beginning and no end".formatted(call));
      }
    }
    for (String call : story.ended) {
      if (!story.granted.contains(call)) {
        find("call %s has an end and no beginning: it was made without a grant".formatted(call));
      }
      if (!calls.containsKey(call)) {
        find("call %s ended and is not in the ledger".formatted(call));
      }
    }
    if (story.ends.stream().filter(Oracle::isAnswer).count() > 1
        && story.ended.stream().noneMatch(everUnknown::contains)) {
      find("task %s was answered more than once, and nothing says why".formatted(id));
    }
  }

  private static boolean isAnswer(TaskEnded end) {
    CallEnded call = end.call();
    return call != null && call.succeeded();
  }

  private void checkUnknown(String callId, LongPredicate disturbed) {
    LedgerLine call = Objects.requireNonNull(calls.get(callId));
    Matcher pid = PID.matcher(call.worker());
    if (!pid.matches() || !disturbed.test(Long.parseLong(pid.group(1)))) {
      find(
          "call %s is unknown although its worker %s was neither killed nor paused"
              .formatted(callId, call.worker()));
    }
  }
}
