/// Rows of equally many columns, one after another.
package struct RowMatrix: Sendable {
  package let values: [Float]
  package let columnCount: Int

  package init(values: [Float], columnCount: Int) {
    precondition(columnCount > 0 && values.count.isMultiple(of: columnCount), "rows differ in length")
    (self.values, self.columnCount) = (values, columnCount)
  }

  package var rowCount: Int { values.count / columnCount }

  package func row(_ index: Int) -> ArraySlice<Float> {
    values[index * columnCount..<(index + 1) * columnCount]
  }
}
