/// Sums over training rows for `LogisticRegression`, in blocks of standardised rows that stay in the first cache.
///
/// Products are Float within a block of 64 rows and Double across blocks, always in the same order. The last column is
/// the constant 1 of the intercept.
struct LogisticKernel {
  private static let blockRows = 64
  private typealias Lanes = SIMD8<Float>

  private let problem: LogisticRegression.Problem
  private let standardisation: Standardisation
  private let columns: Int
  private let lanesPerRow: Int
  private let totalWeight: Double
  private var block: [Lanes]
  private var rows: [Int] = []

  init(_ problem: LogisticRegression.Problem, _ standardisation: Standardisation) {
    self.problem = problem
    self.standardisation = standardisation
    columns = problem.matrix.columnCount
    lanesPerRow = (columns + 8) / 8
    block = [Lanes](repeating: .zero, count: Self.blockRows * lanesPerRow)
    totalWeight = problem.training.ranges.reduce(0) { sum, range in
      sum + range.reduce(0) { $0 + (problem.weights?[$1] ?? 1) }
    }
  }

  /// Mean loss, penalty included, and its gradient.
  mutating func gradient(_ solution: [Double], penalty: Double) -> (loss: Double, gradient: [Double]) {
    var loss = 0.0
    var gradient = [Double](repeating: 0, count: columns + 1)
    forEachBlock { kernel in
      var lanes = [Lanes](repeating: .zero, count: kernel.lanesPerRow)
      let margins = kernel.margins(solution)
      for (index, row) in kernel.rows.enumerated() {
        let weight = kernel.problem.weights?[row] ?? 1
        loss += weight * Logit.loss(margin: margins[index], label: kernel.problem.labels[row])
        let pull = Float(weight * (Logit.probability(margin: margins[index]) - kernel.problem.labels[row]))
        for lane in lanes.indices { lanes[lane] += pull * kernel.block[index * kernel.lanesPerRow + lane] }
      }
      for column in gradient.indices { gradient[column] += Double(lanes[column / 8][column % 8]) }
    }
    for column in 0..<columns {
      loss += 0.5 * penalty * solution[column] * solution[column]
      gradient[column] += penalty * solution[column]
    }
    return (loss / totalWeight, gradient.map { $0 / totalWeight })
  }

  /// The lower triangle of the mean curvature, penalty included.
  mutating func hessian(_ solution: [Double], penalty: Double) -> [Double] {
    let size = columns + 1
    var sums = [Double](repeating: 0, count: size * lanesPerRow * 8)
    var curved = [Float](repeating: 0, count: Self.blockRows)
    forEachBlock { kernel in
      let margins = kernel.margins(solution)
      for (index, row) in kernel.rows.enumerated() {
        let probability = Logit.probability(margin: margins[index])
        curved[index] = Float((kernel.problem.weights?[row] ?? 1) * probability * (1 - probability))
      }
      kernel.addProducts(curved, to: &sums)
    }
    var hessian = [Double](repeating: 0, count: size * size)
    for i in 0..<size {
      for j in 0...i { hessian[i * size + j] = sums[i * lanesPerRow * 8 + j] / totalWeight }
      if i < columns { hessian[i * size + i] += penalty / totalWeight }
    }
    return hessian
  }

  /// Adds Σ curvature·xᵢ·xⱼ over the block for all j up to the lane of i.
  private func addProducts(_ curved: [Float], to sums: inout [Double]) {
    let lanesPerRow = lanesPerRow
    let count = rows.count
    block.withUnsafeBufferPointer { block in
      curved.withUnsafeBufferPointer { curved in
        sums.withUnsafeMutableBufferPointer { sums in
          for i in 0...columns {
            let (lane, part) = (i / 8, i % 8)
            for other in 0...lane {
              var products = Lanes.zero
              for row in 0..<count {
                let scaled = curved[row] * block[row * lanesPerRow + lane][part]
                products += scaled * block[row * lanesPerRow + other]
              }
              let start = (i * lanesPerRow + other) * 8
              for index in 0..<8 { sums[start + index] += Double(products[index]) }
            }
          }
        }
      }
    }
  }

  private func margins(_ solution: [Double]) -> [Double] {
    var lanes = [Lanes](repeating: .zero, count: lanesPerRow)
    for column in solution.indices { lanes[column / 8][column % 8] = Float(solution[column]) }
    return rows.indices.map { index in
      var sum = Lanes.zero
      for lane in lanes.indices { sum += lanes[lane] * block[index * lanesPerRow + lane] }
      return Double(sum.sum()) + (problem.offset?[rows[index]] ?? 0)
    }
  }

  private mutating func forEachBlock(_ body: (LogisticKernel) -> Void) {
    for range in problem.training.ranges {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.blockRows) {
        load(start..<min(start + Self.blockRows, range.upperBound))
        body(self)
      }
    }
  }

  private mutating func load(_ range: Range<Int>) {
    rows = Array(range)
    let (columns, width) = (columns, lanesPerRow * 8)
    let standardisation = standardisation
    problem.matrix.values.withUnsafeBufferPointer { values in
      block.withUnsafeMutableBytes { bytes in
        let block = bytes.bindMemory(to: Float.self)
        for (index, row) in range.enumerated() {
          for column in 0..<columns {
            block[index * width + column] = standardisation.value(values[row * columns + column], column: column)
          }
          block[index * width + columns] = 1
        }
      }
    }
  }
}
