/// Rows in columns for people. Widths count characters.
struct Table: Sendable {
  struct Column: Sendable {
    let title: String
    let alignment: Alignment
  }

  enum Alignment: Sendable { case left, right }

  let columns: [Column]
  private(set) var rows: [[String]] = []

  init(_ columns: [(String, Alignment)]) { self.columns = columns.map { Column(title: $0.0, alignment: $0.1) } }

  mutating func add(_ cells: String...) {
    precondition(cells.count == columns.count, "a row has a cell for each column")
    rows.append(cells)
  }

  mutating func add(row cells: [String]) {
    precondition(cells.count == columns.count, "a row has a cell for each column")
    rows.append(cells)
  }

  /// Lines without trailing blanks, the titles first.
  var text: String {
    let lines = [columns.map(\.title)] + rows
    let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { cells in
      let padded = cells.indices.map { column in
        let blanks = String(repeating: " ", count: widths[column] - cells[column].count)
        return columns[column].alignment == .left ? cells[column] + blanks : blanks + cells[column]
      }
      var line = padded.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
