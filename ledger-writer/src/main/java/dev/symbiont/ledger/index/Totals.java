package dev.symbiont.ledger.index;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.LedgerAnswer.Calls;
import dev.symbiont.contract.LedgerAnswer.Consumption;
import dev.symbiont.contract.LedgerAnswer.TokenSum;
import dev.symbiont.contract.LedgerAnswer.Tokens;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.Purpose;
import dev.symbiont.ledger.journal.LedgerLine;
import java.math.BigDecimal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Sums over calls, by the hour and by label, so that no question about spending has to read all
/// calls. A call of a task that was submitted with a key counts for this key, its owner, and for
/// everybody.
///
/// Amounts are added up here, as decimals: SQLite itself would add floating point numbers.
final class Totals {

  static final String SCHEMA =
      """
      CREATE TABLE IF NOT EXISTS total (owner TEXT, hour TEXT, model TEXT, tier TEXT, purpose TEXT, outcome TEXT,
          calls INTEGER, input INTEGER, output INTEGER, cache_write INTEGER, cache_read INTEGER, cost TEXT, first TEXT,
          PRIMARY KEY (owner, hour, model, tier, purpose, outcome)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS label_total (owner TEXT, name TEXT, value TEXT, calls INTEGER, cost TEXT,
          PRIMARY KEY (owner, name, value)) WITHOUT ROWID;
      """;

  static final List<String> TABLES = List.of("total", "label_total");

  /// A ledger line like a sum of one call. The amount as text: SQLite itself would make a floating
  /// point number of it.
  private static final String AS_TOTAL =
      """
      tier, line ->> '$.purpose' AS purpose, 1 AS calls, line ->> '$.input_tokens' AS input,
      line ->> '$.output_tokens' AS output, line ->> '$.cache_write_tokens' AS cache_write,
      line ->> '$.cache_read_tokens' AS cache_read, line -> '$.estimated_cost_usd' AS cost, timestamp AS first
      """;

  private static final String EVERYBODY = "";
  private static final int HOUR = "yyyy-MM-ddThh".length();
  private static final String DAY = "substr(hour, 1, 10)";
  private static final Instant EVER = Instant.parse("9999-12-31T23:00:00Z");

  private final Sql sql;

  Totals(Sql sql) {
    this.sql = sql;
  }

  /// What one stretch of the ledger adds: most of its lines are of the same hour and tier.
  static final class Additions {

    private final Map<Key, Use> used = new LinkedHashMap<>();
    private final Map<Label, Calls> labelled = new LinkedHashMap<>();

    /// @param labels of the task
    void add(LedgerLine line, Map<String, String> labels) {
      add(line, Use.of(line), labels);
    }

    /// The line counts no more, because a later one corrects it.
    void remove(LedgerLine line, Map<String, String> labels) {
      add(line, Use.of(line).negated(), labels);
    }

    private void add(LedgerLine line, Use use, Map<String, String> labels) {
      addFor(EVERYBODY, line, use, labels);
      String owner = labels.get(AccessKey.LABEL);
      if (owner != null) {
        addFor(owner, line, use, labels);
      }
    }

    private void addFor(String owner, LedgerLine line, Use use, Map<String, String> labels) {
      used.merge(Key.of(owner, line), use, Use::plus);
      labels.forEach(
          (name, value) ->
              labelled.merge(new Label(owner, name, value), use.inCalls(), Totals::plus));
    }
  }

  private record Key(
      String owner, String hour, String model, String tier, Purpose purpose, String outcome) {

    static Key of(String owner, LedgerLine line) {
      String hour = line.timestamp().substring(0, HOUR);
      return new Key(owner, hour, line.model(), line.tier(), line.purpose(), line.outcome());
    }

    Object[] columns() {
      return new Object[] {owner, hour, model, tier, purpose.wire(), outcome};
    }
  }

  private record Label(String owner, String name, String value) {}

  /// @param first when the first of the calls ended
  private record Use(
      long calls,
      long input,
      long output,
      long cacheWrite,
      long cacheRead,
      BigDecimal cost,
      String first) {

    static Use of(LedgerLine line) {
      return new Use(
          1,
          line.inputTokens(),
          line.outputTokens(),
          line.cacheWriteTokens(),
          line.cacheReadTokens(),
          line.estimatedCostUsd(),
          line.timestamp());
    }

    static Use of(ResultSet row) throws SQLException {
      return new Use(
          row.getLong("calls"),
          row.getLong("input"),
          row.getLong("output"),
          row.getLong("cache_write"),
          row.getLong("cache_read"),
          new BigDecimal(row.getString("cost")),
          row.getString("first"));
    }

    Use plus(Use other) {
      return new Use(
          calls + other.calls,
          input + other.input,
          output + other.output,
          cacheWrite + other.cacheWrite,
          cacheRead + other.cacheRead,
          cost.add(other.cost),
          first.compareTo(other.first) <= 0 ? first : other.first);
    }

    Use negated() {
      return new Use(-calls, -input, -output, -cacheWrite, -cacheRead, cost.negate(), first);
    }

    Calls inCalls() {
      return new Calls(calls, cost);
    }
  }

  void put(Additions additions) throws SQLException {
    for (var each : additions.used.entrySet()) {
      put(each.getKey(), each.getValue());
    }
    for (var each : additions.labelled.entrySet()) {
      put(each.getKey(), each.getValue());
    }
  }

  private void put(Key key, Use added) throws SQLException {
    Use sum =
        sql.query(
                """
                SELECT * FROM total
                WHERE owner = ? AND hour = ? AND model = ? AND tier = ? AND purpose = ? AND outcome = ?
                """,
                key.columns())
            .one(Use::of)
            .map(added::plus)
            .orElse(added);
    sql.update(
        "INSERT OR REPLACE INTO total VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        key.owner,
        key.hour,
        key.model,
        key.tier,
        key.purpose.wire(),
        key.outcome,
        sum.calls,
        sum.input,
        sum.output,
        sum.cacheWrite,
        sum.cacheRead,
        sum.cost.toPlainString(),
        sum.first);
  }

  private void put(Label label, Calls added) throws SQLException {
    Calls sum =
        sql.query(
                "SELECT calls, cost FROM label_total WHERE owner = ? AND name = ? AND value = ?",
                label.owner,
                label.name,
                label.value)
            .one(row -> calls(row, 1))
            .map(before -> plus(before, added))
            .orElse(added);
    sql.update(
        "INSERT OR REPLACE INTO label_total VALUES (?, ?, ?, ?, ?)",
        label.owner,
        label.name,
        label.value,
        sum.calls(),
        sum.cost().toPlainString());
  }

  /// Calls and cost by what the question names.
  ///
  /// @param owner everybody if absent
  Map<String, Calls> callsBy(String what, @Nullable String owner) {
    return switch (what) {
      case "model", "tier", "purpose", "outcome", "hour" -> callsByColumn(what, owner);
      case "hour,tier" -> callsByColumn("hour || ',' || tier", owner);
      case "day" -> callsByColumn(DAY, owner);
      case "day,tier" -> callsByColumn(DAY + " || ',' || tier", owner);
      default -> callsByLabel(what.substring(what.indexOf(':') + 1), owner);
    };
  }

  private Map<String, Calls> callsByColumn(String column, @Nullable String owner) {
    return callsBy(
        sql.query(
            "SELECT %s, calls, cost FROM total WHERE owner = ? AND calls <> 0 ORDER BY %s"
                .formatted(column, column.equals("model") ? "hour, model" : "1"),
            orEverybody(owner)));
  }

  /// What has no such label is under the empty name.
  private Map<String, Calls> callsByLabel(String name, @Nullable String owner) {
    Map<String, Calls> groups =
        callsBy(
            sql.query(
                "SELECT value, calls, cost FROM label_total WHERE owner = ? AND name = ? AND calls <> 0 ORDER BY value",
                orEverybody(owner),
                name));
    Calls all = sum(callsByColumn("owner", owner));
    Calls labelled = sum(groups);
    if (all.calls() > labelled.calls()) {
      groups.merge(
          "",
          new Calls(all.calls() - labelled.calls(), all.cost().subtract(labelled.cost())),
          Totals::plus);
    }
    return groups;
  }

  /// In the order of the rows.
  private static Map<String, Calls> callsBy(Sql.Query rows) {
    var groups = new LinkedHashMap<String, Calls>();
    rows.all(row -> groups.merge(row.getString(1), calls(row, 2), Totals::plus));
    return groups;
  }

  private static Calls calls(ResultSet row, int column) throws SQLException {
    return new Calls(row.getLong(column), new BigDecimal(row.getString(column + 1)));
  }

  private static Calls plus(Calls a, Calls b) {
    return new Calls(a.calls() + b.calls(), a.cost().add(b.cost()));
  }

  private static Calls sum(Map<String, Calls> groups) {
    return groups.values().stream().reduce(new Calls(0, BigDecimal.ZERO), Totals::plus);
  }

  private static String orEverybody(@Nullable String owner) {
    return Objects.requireNonNullElse(owner, EVERYBODY);
  }

  /// Of one day, by tier.
  Map<String, Consumption> consumption(String date) {
    var byTier = new LinkedHashMap<String, Consumption>();
    sql.query(
            """
            SELECT tier, sum(calls), sum(input + output) FROM total
            WHERE owner = ? AND hour >= ? AND hour <= ? GROUP BY tier
            """,
            EVERYBODY,
            date + "T00",
            date + "T23")
        .all(row -> byTier.put(row.getString(1), new Consumption(row.getLong(2), row.getLong(3))));
    return byTier;
  }

  /// What calls have used, by tier and purpose. Of hours that are asked for in part, the lines are
  /// read.
  Tokens tokens(LedgerQuery.Tokens wanted) {
    Instant since = Objects.requireNonNullElse(wanted.since(), Instant.EPOCH);
    Instant until = Objects.requireNonNullElse(wanted.until(), EVER);
    Instant from = hour(since.plus(1, ChronoUnit.HOURS).minusNanos(1));
    Instant to = hour(until);
    var used = new TreeMap<Kind, Use>();
    if (from.isBefore(to)) {
      readLines(since, from, wanted.owner(), used);
      readHours(from, to, wanted.owner(), used);
      readLines(to, until, wanted.owner(), used);
    } else {
      readLines(since, until, wanted.owner(), used);
    }
    return new Tokens(
        wanted.requestId(),
        used.entrySet().stream().map(it -> it.getKey().tokens(it.getValue())).toList(),
        used.values().stream()
            .map(it -> Instant.parse(it.first))
            .min(Instant::compareTo)
            .orElse(null));
  }

  private void readHours(Instant from, Instant to, @Nullable String owner, Map<Kind, Use> used) {
    read(
        sql.query(
            "SELECT * FROM total WHERE owner = ? AND hour >= ? AND hour < ? AND calls <> 0",
            orEverybody(owner),
            LedgerLine.timestamp(from).substring(0, HOUR),
            LedgerLine.timestamp(to).substring(0, HOUR)),
        used);
  }

  private void readLines(Instant from, Instant to, @Nullable String owner, Map<Kind, Use> used) {
    var filter = new Filter();
    filter.add("timestamp >= ?", LedgerLine.timestamp(from));
    filter.add("timestamp < ?", LedgerLine.timestamp(to));
    filter.add(Index.IS_LATEST);
    if (owner != null) {
      filter.add(Index.HAS_LABEL, AccessKey.LABEL + "=" + owner);
    }
    read(filter.query(sql, "SELECT %s FROM call".formatted(AS_TOTAL), "", -1), used);
  }

  private static void read(Sql.Query rows, Map<Kind, Use> used) {
    rows.all(row -> used.merge(Kind.of(row), Use.of(row), Use::plus));
  }

  private static Instant hour(Instant moment) {
    return moment.truncatedTo(ChronoUnit.HOURS);
  }

  private record Kind(String tier, Purpose purpose) implements Comparable<Kind> {

    static Kind of(ResultSet row) throws SQLException {
      String purpose = row.getString("purpose").toUpperCase(Locale.ROOT);
      return new Kind(row.getString("tier"), Purpose.valueOf(purpose));
    }

    @Override
    public int compareTo(Kind other) {
      int byTier = tier.compareTo(other.tier);
      return byTier == 0 ? purpose.compareTo(other.purpose) : byTier;
    }

    TokenSum tokens(Use use) {
      return new TokenSum(
          tier, purpose, use.calls, use.input, use.output, use.cacheWrite, use.cacheRead, use.cost);
    }
  }
}
