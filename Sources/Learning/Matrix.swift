/// Row-major values: `values[row * columns + column]`. An unknown value is NaN.
package struct Matrix: Sendable, Equatable {
  package let columns: Int
  package var values: [Float]

  package var rows: Int { columns == 0 ? 0 : values.count / columns }

  package init(columns: Int, values: [Float]) {
    precondition(columns > 0 && values.count.isMultiple(of: columns), "\(values.count) values in \(columns) columns")
    self.columns = columns
    self.values = values
  }

  /// Some rows, one after another.
  package func picking(_ rows: [Int]) -> Matrix {
    var picked: [Float] = []
    picked.reserveCapacity(rows.count * columns)
    for row in rows { picked.append(contentsOf: values[row * columns..<(row + 1) * columns]) }
    return Matrix(columns: columns, values: picked)
  }
}
