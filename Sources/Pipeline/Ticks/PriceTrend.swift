package import Market

/// The line of least squares through the prices of the last minute.
package struct PriceTrend: Hashable, Sendable {
  package static let seconds: Int64 = 60
  /// A shorter line says nothing of the next minute.
  package static let shortestSeconds: Int64 = 20

  private var prices: [Point] = []

  private struct Point: Hashable, Sendable {
    let time: Timestamp
    let price: Double
  }

  package init() {}

  /// Times never go back.
  package mutating func add(_ price: Double, at time: Timestamp) {
    let end = time.adding(microseconds: -Self.seconds * 1_000_000)
    prices.removeAll { $0.time <= end }
    prices.append(Point(time: time, price: price))
  }

  /// Where the line is so long after the newest price; `nil` if the prices do not reach back far enough.
  package func price(after seconds: Double) -> Double? {
    guard let first = prices.first, let last = prices.last,
      last.time.microseconds - first.time.microseconds >= Self.shortestSeconds * 1_000_000
    else { return nil }
    // Relative to the newest one, since prices near 70 000 with cents lose the slope to cancellation otherwise.
    let count = Double(prices.count)
    var (sumX, sumY, sumXX, sumXY) = (0.0, 0.0, 0.0, 0.0)
    for point in prices {
      let x = Double(point.time.microseconds - last.time.microseconds) / 1e6
      let y = point.price - last.price
      (sumX, sumY, sumXX, sumXY) = (sumX + x, sumY + y, sumXX + x * x, sumXY + x * y)
    }
    let slope = (count * sumXY - sumX * sumY) / (count * sumXX - sumX * sumX)
    let level = (sumY - slope * sumX) / count
    let price = last.price + level + slope * seconds
    return price.isFinite && price > 0 ? price : nil
  }
}
