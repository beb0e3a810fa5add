/// A rising map through points, linear between them and constant outside.
package struct IsotonicParameters: Codable, Hashable, Sendable {
  /// Margins, rising.
  package var thresholds: [Double]
  /// Probabilities at the thresholds, not falling.
  package var values: [Double]

  package init(thresholds: [Double], values: [Double]) { (self.thresholds, self.values) = (thresholds, values) }

  /// Pools adjacent violators, after rows have been put in blocks of at least `minimumBlock`, so that a small or almost
  /// separable set is not learnt by heart; the default is the greater of 50 and 1/200 of the rows.
  ///
  /// Rows of one margin stay together. Values are kept within [1/(n+2), (n+1)/(n+2)] of n rows, so that no outcome is
  /// called impossible.
  package init(fitting rows: MarginRows, minimumBlock: Int? = nil) {
    let blocks = Self.blocks(rows, minimum: minimumBlock ?? max(50, rows.count / 200))
    var pooled: [Block] = []
    for block in blocks {
      pooled.append(block)
      while pooled.count > 1, pooled[pooled.count - 2].mean >= pooled[pooled.count - 1].mean {
        let last = pooled.removeLast()
        pooled[pooled.count - 1].merge(last)
      }
    }
    let least = 1 / Double(rows.count + 2)
    self.init(thresholds: [], values: [])
    for block in pooled {
      let value = min(max(block.mean, least), 1 - least)
      for threshold in block.low < block.high ? [block.low, block.high] : [block.low] {
        thresholds.append(threshold)
        values.append(value)
      }
    }
  }

  package func probability(margin: Double) -> Double {
    guard let first = thresholds.first, let last = thresholds.last else { return 0.5 }
    guard margin > first else { return margin.isNaN ? .nan : values[0] }
    guard margin < last else { return values[values.count - 1] }
    var (low, high) = (0, thresholds.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if thresholds[middle] <= margin { low = middle } else { high = middle }
    }
    let part = (margin - thresholds[low]) / (thresholds[high] - thresholds[low])
    return values[low] + part * (values[high] - values[low])
  }

  private struct Block {
    var low: Double
    var high: Double
    var rows: Int
    var weight: Double
    var ups: Double

    var mean: Double { ups / weight }

    mutating func merge(_ other: Block) {
      high = other.high
      rows += other.rows
      weight += other.weight
      ups += other.ups
    }
  }

  private static func blocks(_ rows: MarginRows, minimum: Int) -> [Block] {
    let ranked = RankedRows(scores: rows.margins)
    var blocks: [Block] = []
    for tie in ranked.ties {
      let margin = rows.margins[ranked.order[tie.lowerBound]]
      var block = Block(low: margin, high: margin, rows: 0, weight: 0, ups: 0)
      for row in ranked.order[tie] {
        let weight = rows.weights?[row] ?? 1
        block.rows += 1
        block.weight += weight
        block.ups += weight * rows.labels[row]
      }
      guard block.weight > 0 else { continue }
      if let last = blocks.last, last.rows < minimum {
        blocks[blocks.count - 1].merge(block)
      } else {
        blocks.append(block)
      }
    }
    if blocks.count > 1, blocks[blocks.count - 1].rows < minimum {
      let last = blocks.removeLast()
      blocks[blocks.count - 1].merge(last)
    }
    return blocks
  }
}
