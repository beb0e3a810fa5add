package import Market
package import Models

/// 95 % intervals from drawing whole UTC days with replacement, or shorter blocks of time where outcomes are certain soon.
///
/// Rows within a day depend on each other, their labels overlap; days hardly do. Every statistic is computed from
/// per-day parts, so a resample costs the number of days and not of rows, and all statistics see the same resamples,
/// which makes differences between models paired.
package struct DayBootstrap: Sendable {
  /// Fewer days than this give intervals that are too narrow.
  package static let fewDays = 20
  package static let minutesPerDay = 1440

  package let dayCount: Int
  private let blockMinutes: Int
  private let dayOfRow: [Int32]
  /// How often each resample draws each day: `resampleCount` rows of `dayCount`.
  private let draws: [UInt16]
  private let resampleCount: Int

  /// Rows of one UTC day need not stand together.
  package init(
    times: [Timestamp], blockMinutes: Int = Self.minutesPerDay, resampleCount: Int = 1000, seed: UInt64 = 20_240_101
  ) {
    self.blockMinutes = blockMinutes
    let days = times.map { $0.minute.flooredQuotient(Int64(blockMinutes)) }
    let positions = Dictionary(uniqueKeysWithValues: Set(days).sorted().enumerated().map { ($1, Int32($0)) })
    dayOfRow = days.map { positions[$0, default: 0] }
    dayCount = positions.count
    self.resampleCount = resampleCount
    var generator = SplitMix64(seed: seed)
    var draws = [UInt16](repeating: 0, count: resampleCount * positions.count)
    for resample in 0..<resampleCount {
      for _ in 0..<positions.count {
        let day = Int(generator.next().multipliedFullWidth(by: UInt64(positions.count)).high)
        draws[resample * positions.count + day] += 1
      }
    }
    self.draws = draws
  }

  package var warning: String? {
    guard dayCount < Self.fewDays else { return nil }
    return "only \(extent): intervals from fewer than \(Self.fewDays) \(unit)s are too narrow"
  }

  /// Such as `3 days`.
  var extent: String {
    let length = blockMinutes == Self.minutesPerDay ? "" : " of \(blockMinutes) minutes"
    return "\(dayCount) \(unit)\(dayCount == 1 ? "" : "s")\(length)"
  }

  private var unit: String { blockMinutes == Self.minutesPerDay ? "day" : "block" }

  /// A weighted mean of per-row values.
  package func mean(_ values: [Double], weights: [Double]? = nil) -> Estimate {
    estimate([sums(values, weights), sums(nil, weights)]) { $0[0] / $0[1] }
  }

  /// How much smaller the mean of `values` is than of `others`, on the same rows; negative if larger.
  package func improvement(_ values: [Double], over others: [Double], weights: [Double]? = nil) -> Estimate {
    estimate([sums(values, weights), sums(others, weights), sums(nil, weights)]) { ($0[1] - $0[0]) / $0[2] }
  }

  /// 1 − mean of `errors` ÷ mean of `others`, on the same rows.
  package func skill(_ errors: [Double], over others: [Double], weights: [Double]? = nil) -> Estimate {
    estimate([sums(errors, weights), sums(others, weights)]) { 1 - $0[0] / $0[1] }
  }

  /// The root of a mean.
  package func rootMean(_ values: [Double]) -> Estimate {
    estimate([sums(values, nil), sums(nil, nil)]) { ($0[0] / $0[1]).squareRoot() }
  }

  /// The area under the ROC curve, exactly: a matrix holds how much weight the ups of each day win over the downs of
  /// each other day, so a resample is a quadratic form of the draws.
  package func auc(_ scored: Scored) -> Estimate {
    let wins = winsByDay(scored)
    let ups = sums(scored.labels, scored.weights)
    let downs = zip(sums(nil, scored.weights), ups).map { $0 - $1 }
    return estimate { counts in
      var (won, up, down) = (0.0, 0.0, 0.0)
      for day in counts.indices where counts[day] != 0 {
        var row = 0.0
        for other in counts.indices { row += counts[other] * wins[day * counts.count + other] }
        won += counts[day] * row
        up += counts[day] * ups[day]
        down += counts[day] * downs[day]
      }
      return won / (up * down)
    }
  }

  /// Expected calibration error over bins of equal width, as `Scored.calibrationError`.
  package func calibrationError(_ scored: Scored, binCount: Int = 15) -> Estimate {
    var gaps = [[Double]](repeating: [Double](repeating: 0, count: dayCount), count: binCount)
    for row in dayOfRow.indices {
      let bin = min(binCount - 1, max(0, Int(scored.probabilities[row] * Double(binCount))))
      gaps[bin][Int(dayOfRow[row])] += scored.weight(row) * (scored.probabilities[row] - scored.labels[row])
    }
    let filled = gaps.filter { $0.contains { $0 != 0 } }
    return estimate(filled + [sums(nil, scored.weights)]) { totals in
      totals.dropLast().reduce(0) { $0 + abs($1) } / totals[totals.count - 1]
    }
  }

  /// Any statistic of sums over rows, given the sums of each day.
  private func estimate(_ sums: [[Double]], _ statistic: ([Double]) -> Double) -> Estimate {
    var totals = [Double](repeating: 0, count: sums.count)
    return estimate { counts in
      for index in sums.indices {
        var total = 0.0
        for day in counts.indices { total += counts[day] * sums[index][day] }
        totals[index] = total
      }
      return statistic(totals)
    }
  }

  private func estimate(_ statistic: ([Double]) -> Double) -> Estimate {
    let value = statistic([Double](repeating: 1, count: dayCount))
    guard dayCount > 1 else { return Estimate(value) }
    var counts = [Double](repeating: 0, count: dayCount)
    var resampled: [Double] = []
    resampled.reserveCapacity(resampleCount)
    for resample in 0..<resampleCount {
      for day in 0..<dayCount { counts[day] = Double(draws[resample * dayCount + day]) }
      let drawn = statistic(counts)
      if drawn.isFinite { resampled.append(drawn) }
    }
    resampled.sort()
    return Estimate(value, low: Self.quantile(resampled, 0.025), high: Self.quantile(resampled, 0.975))
  }

  private func sums(_ values: [Double]?, _ weights: [Double]?) -> [Double] {
    var sums = [Double](repeating: 0, count: dayCount)
    for row in dayOfRow.indices { sums[Int(dayOfRow[row])] += (values?[row] ?? 1) * (weights?[row] ?? 1) }
    return sums
  }

  private func winsByDay(_ scored: Scored) -> [Double] {
    let ranked = RankedRows(scores: scored.probabilities)
    var wins = [Double](repeating: 0, count: dayCount * dayCount)
    var downsBelow = [Double](repeating: 0, count: dayCount)
    for tie in ranked.ties {
      addDowns(ranked.order[tie], scored, toHalf: &downsBelow)
      for row in ranked.order[tie] where scored.labels[row] > 0.5 {
        let weight = scored.weight(row)
        let start = Int(dayOfRow[row]) * dayCount
        for day in 0..<dayCount { wins[start + day] += weight * downsBelow[day] }
      }
      addDowns(ranked.order[tie], scored, toHalf: &downsBelow)
    }
    return wins
  }

  private func addDowns(_ rows: ArraySlice<Int>, _ scored: Scored, toHalf downs: inout [Double]) {
    for row in rows where scored.labels[row] <= 0.5 {
      downs[Int(dayOfRow[row])] += scored.weight(row) / 2
    }
  }

  /// Linear between the two nearest ranks; `nil` of nothing.
  private static func quantile(_ sorted: [Double], _ part: Double) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let position = part * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
  }
}
