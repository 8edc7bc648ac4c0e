package dev.symbiont.ledger.index;

import dev.symbiont.contract.AccessKey;
import dev.symbiont.contract.LedgerAnswer;
import dev.symbiont.contract.LedgerAnswer.Calls;
import dev.symbiont.contract.LedgerAnswer.Consumption;
import dev.symbiont.contract.LedgerQuery;
import dev.symbiont.contract.TaskState;
import dev.symbiont.contract.wire.Codec;
import dev.symbiont.ledger.arbiter.CallRecord;
import dev.symbiont.ledger.arbiter.Sum;
import dev.symbiont.ledger.arbiter.TaskRecord;
import dev.symbiont.ledger.arbiter.TierRecord;
import dev.symbiont.ledger.journal.ChainedLog.Mark;
import dev.symbiont.ledger.journal.LedgerLine;
import dev.symbiont.ledger.journal.OwnerOnly;
import dev.symbiont.ledger.journal.Span;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Tasks and calls in SQLite, with the place in the journal up to which they are complete.
/// Everything in it comes from the journal, so its commits are not forced to disk: whatever a crash
/// takes from it is read again.
///
/// One instance per thread; SQLite itself lets readers in beside the one writer.
public final class Index implements AutoCloseable {

  private static final String SCHEMA =
      """
      CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY CHECK (one = 1),
          journal_offset INTEGER, journal_lines INTEGER, journal_head TEXT);
      CREATE TABLE IF NOT EXISTS task (id TEXT PRIMARY KEY, state TEXT, tier TEXT, accepted_at INTEGER, preview TEXT,
          open_calls INTEGER, last_call INTEGER, record TEXT) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS task_by_time ON task (accepted_at, id, state, tier, preview);
      CREATE INDEX IF NOT EXISTS task_last_call ON task (last_call) WHERE last_call IS NOT NULL;
      CREATE INDEX IF NOT EXISTS task_open_calls ON task (open_calls) WHERE open_calls;
      CREATE INDEX IF NOT EXISTS task_open ON task (state)
          WHERE state IN ('queued', 'routed', 'waiting', 'running');
      CREATE INDEX IF NOT EXISTS task_set_aside ON task (state) WHERE state = 'set_aside';
      CREATE TABLE IF NOT EXISTS label (text TEXT, task_id TEXT, PRIMARY KEY (text, task_id)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS call (number INTEGER PRIMARY KEY, call_id TEXT, task_id TEXT, timestamp TEXT,
          tier TEXT, model TEXT, success INTEGER, journal_offset INTEGER, journal_length INTEGER, line TEXT);
      CREATE INDEX IF NOT EXISTS call_by_id ON call (call_id);
      CREATE INDEX IF NOT EXISTS call_by_time ON call (timestamp);
      CREATE TABLE IF NOT EXISTS tier (name TEXT PRIMARY KEY, record TEXT) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS access_key (id TEXT PRIMARY KEY, record TEXT) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS spending (day TEXT, scope TEXT, usd TEXT, PRIMARY KEY (day, scope)) WITHOUT ROWID;
      """
          + Totals.SCHEMA;

  /// One more with every change of the schema or of what is kept of a task.
  private static final int SCHEMA_VERSION = 7;

  private static final List<String> TABLES =
      Stream.concat(
              Stream.of("mark", "task", "label", "call", "tier", "access_key", "spending"),
              Totals.TABLES.stream())
          .toList();
  private static final int SQLITE_CORRUPT = 11;
  private static final int SQLITE_NOTADB = 26;

  /// A call that was corrected counts once, as the last line has it.
  static final String IS_LATEST =
      """
      NOT EXISTS
      (SELECT 1 FROM call AS later WHERE later.call_id = call.call_id AND later.number > call.number)
      """;

  /// Of a call's task.
  static final String HAS_LABEL =
      "EXISTS (SELECT 1 FROM label WHERE text = ? AND label.task_id = call.task_id)";

  private static final String OPEN_STATES = "('queued', 'routed', 'waiting', 'running')";

  private final Sql sql;
  private final Totals totals;

  private Index(Connection connection) {
    this.sql = new Sql(connection);
    this.totals = new Totals(sql);
  }

  /// A call's ledger line with its number and the journal line it was derived from.
  public record Call(long number, LedgerLine line, Span source) {}

  public static Index open(Path file) {
    try {
      // SQLite gives the files that it makes beside this one the same rights.
      if (!Files.exists(file)) {
        Files.createFile(file, OwnerOnly.ATTRIBUTE);
      }
      Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
      prepare(connection);
      return new Index(connection);
    } catch (SQLException e) {
      throw Sql.failed(e);
    } catch (IOException e) {
      throw new UncheckedIOException("the ledger's index cannot be made", e);
    }
  }

  private static void prepare(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode = WAL");
      statement.execute("PRAGMA synchronous = NORMAL");
      statement.execute("PRAGMA busy_timeout = 5000");
      if (version(statement) != SCHEMA_VERSION) {
        // Made by another version of this program: it is built anew from the journal.
        for (String table : TABLES) {
          statement.execute("DROP TABLE IF EXISTS " + table);
        }
        statement.execute("PRAGMA user_version = " + SCHEMA_VERSION);
      }
      for (String part : SCHEMA.split(";\n", -1)) {
        if (!part.isBlank()) {
          statement.execute(part);
        }
      }
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  private static int version(Statement statement) throws SQLException {
    try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
      return row.next() ? row.getInt(1) : 0;
    }
  }

  /// Whether a failure means that the file is no database any more.
  public static boolean isBroken(Throwable failure) {
    return failure.getCause() instanceof SQLException e
        && (e.getErrorCode() == SQLITE_CORRUPT || e.getErrorCode() == SQLITE_NOTADB);
  }

  /// Removes the files of an index.
  public static void delete(Path file) throws IOException {
    for (String suffix : List.of("", "-wal", "-shm")) {
      Files.deleteIfExists(file.resolveSibling(file.getFileName() + suffix));
    }
  }

  /// Empties it, so that it is built anew.
  public void clear() {
    sql.atOnce(
        () -> {
          for (String table : TABLES) {
            sql.update("DELETE FROM " + table);
          }
        });
  }

  /// The journal line up to which the index is complete.
  public Mark mark() {
    return sql.query("SELECT journal_offset, journal_lines, journal_head FROM mark")
        .one(row -> new Mark(row.getLong(1), row.getLong(2), row.getString(3)))
        .orElse(Mark.START);
  }

  /// Takes over what a stretch of the journal up to `mark` has changed; all of it or nothing.
  ///
  /// @param spending what was added to the sums
  public void commit(
      List<TaskRecord> tasks,
      List<Call> calls,
      List<TierRecord> tiers,
      List<AccessKey> keys,
      List<Sum> spending,
      Mark mark) {
    sql.atOnce(
        () -> {
          put(tasks);
          for (TierRecord tier : tiers) {
            sql.update("INSERT OR REPLACE INTO tier VALUES (?, ?)", tier.tier(), text(tier));
          }
          for (AccessKey key : keys) {
            sql.update("INSERT OR REPLACE INTO access_key VALUES (?, ?)", key.id(), text(key));
          }
          for (Sum sum : spending) {
            add(sum);
          }
          var labels = new HashMap<String, Map<String, String>>();
          tasks.forEach(it -> labels.put(it.id(), it.labels()));
          var additions = new Totals.Additions();
          for (Call call : calls) {
            add(call, labels.computeIfAbsent(call.line.taskId(), this::labels), additions);
          }
          totals.put(additions);
          sql.update(
              "INSERT OR REPLACE INTO mark VALUES (1, ?, ?, ?)",
              mark.offset(),
              mark.lines(),
              mark.head());
        });
  }

  public Optional<TaskRecord> task(String id) {
    return sql.query("SELECT record FROM task WHERE id = ?", id).one(Index::task);
  }

  /// The tasks with a call that has no end. A call can outlive the end of its task.
  public List<TaskRecord> withOpenCalls() {
    return sql.query("SELECT record FROM task WHERE open_calls").all(Index::task);
  }

  /// The tasks with a call that began after this moment.
  public List<TaskRecord> calledSince(Instant moment) {
    return sql.query("SELECT record FROM task WHERE last_call > ?", moment.toEpochMilli())
        .all(Index::task);
  }

  public List<TierRecord> tiers() {
    return sql.query("SELECT record FROM tier")
        .all(row -> Codec.mapper().readValue(row.getString(1), TierRecord.class));
  }

  /// Every key, the revoked ones as well.
  public List<AccessKey> keys() {
    return sql.query("SELECT record FROM access_key")
        .all(row -> Codec.mapper().readValue(row.getString(1), AccessKey.class));
  }

  /// The sums of this day and later ones.
  public List<Sum> spendingSince(String day) {
    return sql.query("SELECT day, scope, usd FROM spending WHERE day >= ?", day)
        .all(
            row ->
                new Sum(
                    new Sum.Key(row.getString(1), row.getString(2)),
                    new BigDecimal(row.getString(3))));
  }

  /// Calls under way, by tier.
  public Map<String, Long> runningByTier() {
    var counts = new LinkedHashMap<String, Long>();
    withOpenCalls().stream()
        .flatMap(it -> it.calls().stream())
        .filter(CallRecord::isOpen)
        .forEach(it -> counts.merge(it.tier(), 1L, Long::sum));
    return counts;
  }

  public List<TaskRecord> openTasks() {
    return sql.query("SELECT record FROM task WHERE state IN " + OPEN_STATES).all(Index::task);
  }

  /// The tasks that wait for an operator, newest first.
  public List<TaskRecord> deadLetters() {
    return sql.query(
            """
            SELECT record FROM task WHERE state = 'set_aside' AND NOT json_extract(record, '$.discarded')
            ORDER BY json_extract(record, '$.ended_at') DESC, id
            """)
        .all(Index::task);
  }

  /// Calls that began and have no end, in no order.
  public List<String> beginningsWithoutEnds() {
    return sql.query(
            """
            SELECT json_extract(call.value, '$.call_id') FROM task, json_each(record, '$.calls') AS call
            WHERE json_extract(call.value, '$.outcome') IS NULL
            """)
        .all(row -> row.getString(1));
  }

  /// Calls in the ledger that no task was granted.
  public List<String> endsWithoutBeginnings() {
    return sql.query(
            """
            SELECT DISTINCT call_id FROM call WHERE NOT EXISTS (
              SELECT 1 FROM task, json_each(record, '$.calls') AS granted
              WHERE task.id = call.task_id
              AND json_extract(granted.value, '$.call_id') = call.call_id)
            """)
        .all(row -> row.getString(1));
  }

  /// Tasks that were answered more than once.
  public List<String> answeredTwice() {
    return sql.query(
            """
            SELECT task.id FROM task, json_each(record, '$.calls') AS call
            WHERE json_extract(call.value, '$.purpose') = 'task'
            AND json_extract(call.value, '$.outcome') = 'answered'
            GROUP BY task.id HAVING count(*) > 1
            """)
        .all(row -> row.getString(1));
  }

  /// How many tasks have so many calls.
  public Map<String, Long> callsPerTask() {
    var counts = new LinkedHashMap<String, Long>();
    sql.query(
            """
            SELECT json_array_length(record, '$.calls') AS calls, count(*) FROM task
            GROUP BY calls ORDER BY calls
            """)
        .all(row -> counts.put(row.getString(1), row.getLong(2)));
    return counts;
  }

  /// The tasks whose calls cost most.
  public List<TaskRecord> dearest(int limit) {
    // Floating point is good enough for the order; the amounts come from the records.
    return sql.query(
            """
            SELECT record FROM task, json_each(record, '$.calls') AS call GROUP BY task.id
            ORDER BY sum(json_extract(call.value, '$.cost_usd')) DESC LIMIT ?
            """,
            limit)
        .all(Index::task);
  }

  public Map<TaskState, Long> openByState() {
    var counts = new LinkedHashMap<TaskState, Long>();
    sql.query("SELECT state, count(*) FROM task WHERE state IN " + OPEN_STATES + " GROUP BY state")
        .all(
            row ->
                counts.put(
                    TaskState.valueOf(row.getString(1).toUpperCase(java.util.Locale.ROOT)),
                    row.getLong(2)));
    return counts;
  }

  /// The number of the last line of the ledger.
  public long lastCall() {
    return sql.query("SELECT coalesce(max(number), 0) FROM call")
        .one(row -> row.getLong(1))
        .orElse(0L);
  }

  /// The number of the last line of the ledger that is derived from before this offset.
  public long callsBefore(long journalOffset) {
    return sql.query(
            "SELECT coalesce(max(number), 0) FROM call WHERE journal_offset < ?", journalOffset)
        .one(row -> row.getLong(1))
        .orElse(0L);
  }

  /// Where the journal entries stand from which the ledger's lines after `number` are derived.
  public List<Span> sources(long number, long upTo) {
    return sql.query(
            """
            SELECT journal_offset, journal_length FROM call WHERE number > ? AND number <= ?
            ORDER BY number
            """,
            number,
            upTo)
        .all(row -> new Span(row.getLong(1), row.getInt(2)));
  }

  /// The newest tasks that were accepted before the cursor and pass the filter, newest first.
  public Page<TaskRecord> tasks(LedgerQuery.Tasks wanted, int limit) {
    var filter = new Filter();
    filter.add("accepted_at IS NOT NULL");
    filter.add("state = ?", wanted.state() == null ? null : wanted.state().wire());
    filter.add("tier = ?", wanted.tier());
    filter.add("accepted_at >= ?", millis(wanted.since()));
    filter.add("accepted_at < ?", millis(wanted.until()));
    for (String label : labels(wanted.label(), wanted.owner())) {
      filter.add("EXISTS (SELECT 1 FROM label WHERE text = ? AND task_id = id)", label);
    }
    filter.add("instr(lower(preview), lower(?)) > 0", wanted.text());
    if (wanted.cursor() != null) {
      Cursor cursor = Cursor.parse(wanted.cursor());
      filter.add("(accepted_at, id) < (?, ?)", cursor.number(), cursor.id());
    }
    // What is asked for stands in the index by time: the records of others are not touched.
    List<String> ids =
        filter
            .query(sql, "SELECT id FROM task", "ORDER BY accepted_at DESC, id DESC", limit)
            .all(row -> row.getString(1));
    List<TaskRecord> found = ids.stream().map(this::task).flatMap(Optional::stream).toList();
    return Page.of(
        found,
        limit,
        it -> new Cursor(Objects.requireNonNull(it.acceptedAt()).toEpochMilli(), it.id()));
  }

  /// The newest lines of the ledger before the cursor that pass the filter, newest first.
  public Page<JsonNode> entries(LedgerQuery.Entries wanted, int limit) {
    var filter = new Filter();
    filter.add("tier = ?", wanted.tier());
    filter.add("model = ?", wanted.model());
    // The plus keeps SQLite from sorting what it would find by time: it has to be in order already.
    filter.add("+timestamp >= ?", timestamp(wanted.since()));
    filter.add("+timestamp < ?", timestamp(wanted.until()));
    filter.add("success = ?", wanted.success());
    for (String label : labels(wanted.label(), wanted.owner())) {
      filter.add(HAS_LABEL, label);
    }
    if (wanted.cursor() != null) {
      filter.add("number < ?", Cursor.parse(wanted.cursor()).number());
    }
    var numbers = new ArrayList<Long>();
    List<JsonNode> found =
        filter
            .query(sql, "SELECT number, line FROM call", "ORDER BY number DESC", limit)
            .all(
                row -> {
                  numbers.add(row.getLong(1));
                  return Codec.mapper().readTree(row.getString(2));
                });
    return Page.of(found, limit, _ -> new Cursor(numbers.getLast(), ""));
  }

  /// What a task must be labelled with.
  private static List<String> labels(@Nullable String asked, @Nullable String owner) {
    return Stream.of(
            Optional.ofNullable(asked),
            Optional.ofNullable(owner).map(it -> AccessKey.LABEL + "=" + it))
        .flatMap(Optional::stream)
        .toList();
  }

  private static @Nullable Long millis(@Nullable Instant moment) {
    return moment == null ? null : moment.toEpochMilli();
  }

  private static @Nullable String timestamp(@Nullable Instant moment) {
    return moment == null ? null : LedgerLine.timestamp(moment);
  }

  /// Calls and cost by something, as [LedgerQuery.Stats] has it.
  ///
  /// @param owner only of tasks that were submitted with this key; of all if absent
  public Map<String, Calls> callsBy(String what, @Nullable String owner) {
    return totals.callsBy(what, owner);
  }

  public LedgerAnswer.Tokens tokens(LedgerQuery.Tokens wanted) {
    return totals.tokens(wanted);
  }

  public Map<String, Consumption> consumption(String date) {
    return totals.consumption(date);
  }

  @Override
  public void close() {
    sql.close();
  }

  private void put(List<TaskRecord> tasks) throws SQLException {
    for (TaskRecord task : tasks) {
      sql.update(
          """
          INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
          SET state = excluded.state, tier = excluded.tier, accepted_at = excluded.accepted_at,
          preview = excluded.preview, open_calls = excluded.open_calls, last_call = excluded.last_call,
          record = excluded.record
          """,
          task.id(),
          task.state().wire(),
          task.tier(),
          millis(task.acceptedAt()),
          task.preview(),
          task.hasOpenCall(),
          task.calls().isEmpty() ? null : task.calls().getLast().grantedAt().toEpochMilli(),
          text(task));
      for (var label : task.labels().entrySet()) {
        sql.update(
            "INSERT OR IGNORE INTO label VALUES (?, ?)",
            label.getKey() + "=" + label.getValue(),
            task.id());
      }
    }
  }

  private Map<String, String> labels(String taskId) {
    return task(taskId).map(TaskRecord::labels).orElse(Map.of());
  }

  /// A line with the id of an earlier one corrects it: the call counts once, with the later cost.
  private void add(Call call, Map<String, String> labels, Totals.Additions additions)
      throws SQLException {
    LedgerLine line = call.line;
    sql.query("SELECT line FROM call WHERE call_id = ? ORDER BY number DESC LIMIT 1", line.callId())
        .one(row -> Codec.mapper().readValue(row.getString(1), LedgerLine.class))
        .ifPresent(corrected -> additions.remove(corrected, labels));
    additions.add(line, labels);
    sql.update(
        "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        call.number,
        line.callId(),
        line.taskId(),
        line.timestamp(),
        line.tier(),
        line.model(),
        line.success(),
        call.source.offset(),
        call.source.length(),
        text(line));
  }

  private void add(Sum sum) throws SQLException {
    String day = sum.key().day();
    String scope = sum.key().scope();
    BigDecimal before =
        sql.query("SELECT usd FROM spending WHERE day = ? AND scope = ?", day, scope)
            .one(row -> new BigDecimal(row.getString(1)))
            .orElse(BigDecimal.ZERO);
    sql.update(
        "INSERT OR REPLACE INTO spending VALUES (?, ?, ?)",
        day,
        scope,
        before.add(sum.usd()).toPlainString());
  }

  private static TaskRecord task(ResultSet row) throws SQLException {
    return Codec.mapper().readValue(row.getString(1), TaskRecord.class);
  }

  private static String text(Object value) {
    return new String(Codec.encode(value), StandardCharsets.UTF_8);
  }
}
