package dev.symbiont.ledger.index;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Statements on one connection, each compiled once: that costs more than running it. Used by one
/// thread.
final class Sql implements AutoCloseable {

  /// Each combination of filters is a statement of its own.
  private static final int MOST_STATEMENTS = 200;

  private final Connection connection;
  private final Map<String, PreparedStatement> statements = new HashMap<>();

  Sql(Connection connection) {
    this.connection = connection;
  }

  /// Changes that are made together or not at all.
  interface Changes {
    void make() throws SQLException;
  }

  /// What becomes of one row.
  interface Row<T> {
    T read(ResultSet row) throws SQLException;
  }

  static IllegalStateException failed(SQLException e) {
    return new IllegalStateException(
        "the ledger's index failed (it can be deleted, and is built anew): " + e.getMessage(), e);
  }

  void update(String statement, @Nullable Object... values) throws SQLException {
    prepared(statement, values).executeUpdate();
  }

  Query query(String statement, Object... values) {
    return new Query(statement, values);
  }

  /// One transaction. Outside of these every statement sees the newest data: a reader that stayed
  /// in a transaction would see the same for ever.
  void atOnce(Changes changes) {
    try {
      connection.setAutoCommit(false);
      try {
        changes.make();
        connection.commit();
      } catch (SQLException | RuntimeException e) {
        connection.rollback();
        throw e;
      } finally {
        connection.setAutoCommit(true);
      }
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  @Override
  public void close() {
    try {
      forgetStatements();
      connection.close();
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  private PreparedStatement prepared(String statement, @Nullable Object... values)
      throws SQLException {
    PreparedStatement known = statements.get(statement);
    if (known == null) {
      if (statements.size() >= MOST_STATEMENTS) {
        forgetStatements();
      }
      known = connection.prepareStatement(statement);
      statements.put(statement, known);
    }
    for (int i = 0; i < values.length; i++) {
      known.setObject(i + 1, values[i]);
    }
    return known;
  }

  private void forgetStatements() throws SQLException {
    for (PreparedStatement statement : statements.values()) {
      statement.close();
    }
    statements.clear();
  }

  /// A question, to be put when somebody reads the answer.
  final class Query {
    private final String statement;
    private final Object[] values;

    private Query(String statement, Object... values) {
      this.statement = statement;
      this.values = values;
    }

    <T> Optional<T> one(Row<T> reader) {
      return all(reader).stream().findFirst();
    }

    <T> List<T> all(Row<T> reader) {
      try (ResultSet rows = prepared(statement, values).executeQuery()) {
        var all = new ArrayList<T>();
        while (rows.next()) {
          all.add(reader.read(rows));
        }
        return all;
      } catch (SQLException e) {
        throw failed(e);
      }
    }
  }
}
