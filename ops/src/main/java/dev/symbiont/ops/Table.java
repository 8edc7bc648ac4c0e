package dev.symbiont.ops;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Rows under heads, each column as wide as what is in it. On a terminal the last column is cut
/// where the line ends.
final class Table {

  private static final String GAP = "  ";
  private static final Set<String> COLOURED = Set.of("STATE", "OUTCOME", "CHECK");

  private final List<String> heads;
  private final List<List<String>> rows = new ArrayList<>();

  /// @param heads with `>` before those of columns that are flush right
  Table(String... heads) {
    this(List.of(heads));
  }

  private Table(List<String> heads) {
    this.heads = heads;
  }

  Table row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  /// With fewer columns, if it would not fit otherwise.
  ///
  /// @param last how much the last column needs, at most
  /// @param dispensable titles of columns, the first to go first
  Table fitting(Terminal terminal, int last, String... dispensable) {
    Table table = this;
    for (String title : dispensable) {
      int[] widths = table.widths();
      int needed = Math.min(last, widths[widths.length - 1]);
      if (table.room(widths, terminal) >= needed) {
        break;
      }
      table = table.without(title);
    }
    return table;
  }

  void print(PrintWriter out, Terminal terminal) {
    lines(terminal).forEach(out::println);
  }

  /// The heads, and then one for each row.
  List<String> lines(Terminal terminal) {
    int[] widths = widths();
    int room = Math.max(1, room(widths, terminal));
    int last = heads.size() - 1;
    var lines = new ArrayList<String>();
    var line = new StringBuilder();
    for (int i = 0; i <= last; i++) {
      line.append(i == 0 ? "" : GAP).append(padded(i, cut(i, title(i), room), widths[i]));
    }
    lines.add(line.toString().stripTrailing());
    for (List<String> row : rows) {
      line.setLength(0);
      for (int i = 0; i <= last; i++) {
        String cell = padded(i, cut(i, row.get(i), room), widths[i]);
        line.append(i == 0 ? "" : GAP)
            .append(COLOURED.contains(title(i)) ? terminal.painted(row.get(i), cell) : cell);
      }
      lines.add(line.toString().stripTrailing());
    }
    return lines;
  }

  private int[] widths() {
    var widths = new int[heads.size()];
    for (int i = 0; i < widths.length; i++) {
      widths[i] = Columns.of(title(i));
      for (List<String> row : rows) {
        widths[i] = Math.max(widths[i], Columns.of(row.get(i)));
      }
    }
    return widths;
  }

  /// For the last column.
  private int room(int[] widths, Terminal terminal) {
    if (terminal.columns() == 0) {
      return Integer.MAX_VALUE;
    }
    int room = terminal.columns();
    for (int i = 0; i < widths.length - 1; i++) {
      room -= widths[i] + GAP.length();
    }
    return room;
  }

  private Table without(String title) {
    int column = heads.stream().map(Table::title).toList().indexOf(title);
    var table = new Table(without(column, heads));
    rows.forEach(row -> table.rows.add(without(column, row)));
    return table;
  }

  private static List<String> without(int column, List<String> cells) {
    var fewer = new ArrayList<>(cells);
    fewer.remove(column);
    return List.copyOf(fewer);
  }

  private String cut(int column, String cell, int room) {
    return column < heads.size() - 1 ? cell : Columns.cut(cell, room);
  }

  private String padded(int column, String cell, int width) {
    String space = " ".repeat(Math.max(0, width - Columns.of(cell)));
    if (heads.get(column).startsWith(">")) {
      return space + cell;
    }
    return column == heads.size() - 1 ? cell : cell + space;
  }

  private String title(int column) {
    return title(heads.get(column));
  }

  private static String title(String head) {
    return head.startsWith(">") ? head.substring(1) : head;
  }
}
