/// Puts columns on one scale: (raw − mean)·scale within ±8, and 0 for what is not known.
package struct Standardisation: Codable, Hashable, Sendable {
  package let mean: [Float]
  /// 1 over the standard deviation; 0 for a column that does not vary.
  package let scale: [Float]

  package init(mean: [Float], scale: [Float]) { (self.mean, self.scale) = (mean, scale) }

  /// From the finite values of the training rows, in Double.
  package init(_ matrix: RowMatrix, training: RangeSet<Int>) {
    let columns = matrix.columnCount
    var counts = [Double](repeating: 0, count: columns)
    var means = [Double](repeating: 0, count: columns)
    var squares = [Double](repeating: 0, count: columns)
    matrix.values.withUnsafeBufferPointer { values in
      for range in training.ranges {
        for row in range {
          for column in 0..<columns {
            let value = Double(values[row * columns + column])
            guard value.isFinite else { continue }
            counts[column] += 1
            let distance = value - means[column]
            means[column] += distance / counts[column]
            squares[column] += distance * (value - means[column])
          }
        }
      }
    }
    mean = means.map { Float($0) }
    scale = zip(squares, counts).map { square, count in
      square > 0 ? Float(1 / (square / count).squareRoot()) : 0
    }
  }

  package func value(_ raw: Float, column: Int) -> Float {
    let scaled = (raw - mean[column]) * scale[column]
    return scaled.isNaN ? 0 : min(max(scaled, -8), 8)
  }
}
