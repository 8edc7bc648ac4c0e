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
    this.heads = List.of(heads);
  }

  Table row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  void print(PrintWriter out, Terminal terminal) {
    int last = heads.size() - 1;
    var widths = new int[heads.size()];
    for (int i = 0; i <= last; i++) {
      widths[i] = width(title(i));
      for (List<String> row : rows) {
        widths[i] = Math.max(widths[i], width(row.get(i)));
      }
    }
    int room = room(widths, terminal);
    var line = new StringBuilder();
    for (int i = 0; i <= last; i++) {
      line.append(i == 0 ? "" : GAP).append(padded(i, cut(i, title(i), room), widths[i]));
    }
    out.println(line.toString().stripTrailing());
    for (List<String> row : rows) {
      line.setLength(0);
      for (int i = 0; i <= last; i++) {
        String cell = padded(i, cut(i, row.get(i), room), widths[i]);
        line.append(i == 0 ? "" : GAP)
            .append(COLOURED.contains(title(i)) ? terminal.painted(row.get(i), cell) : cell);
      }
      out.println(line.toString().stripTrailing());
    }
  }

  /// For the last column.
  private static int room(int[] widths, Terminal terminal) {
    if (terminal.columns() == 0) {
      return Integer.MAX_VALUE;
    }
    int room = terminal.columns();
    for (int i = 0; i < widths.length - 1; i++) {
      room -= widths[i] + GAP.length();
    }
    return Math.max(room, 1);
  }

  private String cut(int column, String cell, int room) {
    if (column < heads.size() - 1 || width(cell) <= room) {
      return cell;
    }
    return cell.substring(0, cell.offsetByCodePoints(0, room - 1)) + "…";
  }

  private String padded(int column, String cell, int width) {
    String space = " ".repeat(Math.max(0, width - width(cell)));
    if (heads.get(column).startsWith(">")) {
      return space + cell;
    }
    return column == heads.size() - 1 ? cell : cell + space;
  }

  private String title(int column) {
    String head = heads.get(column);
    return head.startsWith(">") ? head.substring(1) : head;
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}
