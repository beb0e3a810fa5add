/// Rows whose probabilities are near each other, and how often they went up.
package struct ReliabilityBin: Codable, Hashable, Sendable {
  /// The probabilities in the bin: from `low` up to `high`, which only the last bin includes.
  package let low: Double
  package let high: Double
  package let count: Int
  package let meanProbability: Double
  package let upShare: Double
  /// The bin's part of all weight.
  package let weightShare: Double
}

/// Rows of one kind with how often their stated direction came.
package struct AccuracyBand: Codable, Hashable, Sendable {
  /// Such as `0.55–0.60` for a confidence, or `3` for minutes left.
  package let name: String
  package let count: Int
  package let accuracy: Double
  /// Mean probability of the stated direction.
  package let meanConfidence: Double
  package let logLoss: Double
  package let brier: Double
}

extension Scored {
  /// Bins of equal width over [0, 1]; empty ones are left out.
  package func reliability(binCount: Int = 15) -> [ReliabilityBin] {
    bins(probabilities.map { min(binCount - 1, max(0, Int($0 * Double(binCount)))) }).map { bin, rows in
      reliabilityBin(rows, low: Double(bin) / Double(binCount), high: Double(bin + 1) / Double(binCount))
    }
  }

  /// Expected calibration error: the weighted mean over 15 bins of equal width of |mean probability − share of ups|.
  ///
  /// Equal width is what most published figures use. Short-horizon probabilities crowd around one half, so few bins
  /// carry weight; `quantileCalibrationError` looks closer there.
  package var calibrationError: Double { Self.calibrationError(reliability()) }

  /// The same over bins of equally many rows; rows of one probability may fall into two bins.
  package func quantileCalibrationError(binCount: Int = 15) -> Double {
    let order = RankedRows(scores: probabilities).order
    let parts = (0..<binCount).map { order[order.count * $0 / binCount..<order.count * ($0 + 1) / binCount] }
    return Self.calibrationError(
      parts.filter { !$0.isEmpty }.map { rows in
        reliabilityBin(Array(rows), low: probabilities[rows.first ?? 0], high: probabilities[rows.last ?? 0])
      })
  }

  /// Accuracy where the probability of the stated direction lies in 0.50–0.55, 0.55–0.60, …, 0.95–1.00.
  package var accuracyByConfidence: [AccuracyBand] {
    let bands = probabilities.map { min(9, Int((max($0, 1 - $0) - 0.5) * 20 + 1e-9)) }
    return bins(bands).map { band, rows in
      accuracyBand(rows, name: "\(fixed(0.5 + Double(band) / 20, 2))–\(fixed(0.55 + Double(band) / 20, 2))")
    }
  }

  /// Accuracy for each value of a column, such as the minutes left of a window.
  package func accuracy(by keys: [Int]) -> [AccuracyBand] {
    bins(keys).map { key, rows in accuracyBand(rows, name: String(key)) }
  }

  private func bins(_ keys: [Int]) -> [(key: Int, rows: [Int])] {
    Dictionary(grouping: keys.indices) { keys[$0] }.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
  }

  private func reliabilityBin(_ rows: [Int], low: Double, high: Double) -> ReliabilityBin {
    let part = selecting(rows)
    let share = rows.reduce(0) { $0 + weight($1) } / (weights?.reduce(0, +) ?? Double(count))
    return ReliabilityBin(
      low: low, high: high, count: rows.count, meanProbability: part.mean(part.probabilities),
      upShare: part.baseRate, weightShare: share)
  }

  private func accuracyBand(_ rows: [Int], name: String) -> AccuracyBand {
    let part = selecting(rows)
    return AccuracyBand(
      name: name, count: rows.count, accuracy: part.accuracy,
      meanConfidence: part.mean(part.probabilities.map { max($0, 1 - $0) }), logLoss: part.logLoss, brier: part.brier)
  }

  private static func calibrationError(_ bins: [ReliabilityBin]) -> Double {
    bins.reduce(0) { $0 + $1.weightShare * abs($1.meanProbability - $1.upShare) }
  }
}
