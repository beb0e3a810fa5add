import Market
import Pipeline
import TestSupport
import Testing

/// The line through the prices of the last minute.
struct PriceTrendTests {
  private struct Point {
    let microseconds: Int64
    let price: Double

    init(_ microseconds: Int64, _ price: Double) { (self.microseconds, self.price) = (microseconds, price) }
  }

  private static let start = Timestamp("2024-03-01T12:00:00Z")!
  private static let shortest = PriceTrend.shortestSeconds * 1_000_000

  private static func predicted(_ points: [Point]) -> Double? {
    var trend = PriceTrend()
    for point in points { trend.add(point.price, at: start.adding(microseconds: point.microseconds)) }
    return trend.price(after: 60)
  }

  /// The same line by covariance over variance.
  private static func leastSquares(_ points: [Point]) -> Double {
    let times = points.map { Double($0.microseconds) / 1e6 }
    let prices = points.map(\.price)
    let meanTime = times.reduce(0, +) / Double(times.count)
    let meanPrice = prices.reduce(0, +) / Double(prices.count)
    var (covariance, variance) = (0.0, 0.0)
    for (time, price) in zip(times, prices) {
      covariance += (time - meanTime) * (price - meanPrice)
      variance += (time - meanTime) * (time - meanTime)
    }
    return meanPrice + covariance / variance * (times[times.count - 1] + 60 - meanTime)
  }

  private static func areClose(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) <= 1e-9 * b } ?? false }

  @Test(arguments: [-3.0, -0.25, 0.0, 0.5]) func `prices on a line go on along it`(perSecond: Double) {
    let points = (0..<60).map { Point(Int64($0) * 1_000_000, 60_000 + perSecond * Double($0)) }
    #expect(Self.areClose(Self.predicted(points), 60_000 + perSecond * 119))
  }

  @Test func `a price a minute old is forgotten, one a microsecond younger counts`() {
    let line = [Point(20_000_000, 100), Point(40_000_000, 110), Point(60_000_000, 120)]
    #expect(Self.areClose(Self.predicted([Point(-1, 900), Point(0, 130)] + line), 150))
    let younger = [Point(1, 130)] + line
    #expect(abs(Self.leastSquares(younger) - 106) < 1e-3)
    #expect(Self.areClose(Self.predicted(younger), Self.leastSquares(younger)))
  }

  @Test func `prices of less than twenty seconds say nothing of the next minute`() {
    #expect(Self.predicted([]) == nil)
    #expect(Self.predicted([Point(0, 100)]) == nil)
    #expect(Self.predicted([Point(0, 100), Point(10_000_000, 101), Point(Self.shortest - 1, 102)]) == nil)
    #expect(Self.areClose(Self.predicted([Point(0, 100), Point(Self.shortest, 102)]), 108))
    let forgotten = [Point(0, 100), Point(60_000_000, 101), Point(70_000_000, 102)]
    #expect(Self.predicted(forgotten) == nil)
  }

  @Test func `a line that falls to nothing says nothing`() {
    #expect(Self.predicted([Point(0, 100), Point(30_000_000, 40)]) == nil)
  }

  @Test(arguments: Soak.seeds(20)) func `noisy prices give the line of least squares`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var trend = PriceTrend()
    var points: [Point] = []
    var answers = 0
    for _ in 0..<120 {
      let time = (points.last?.microseconds ?? 0) + Int64.random(in: 1...3_000_000, using: &random)
      let price = 70_000 + Double.random(in: -50...50, using: &random)
      points.append(Point(time, price))
      trend.add(price, at: Self.start.adding(microseconds: time))
      let kept = points.filter { $0.microseconds > time - 60_000_000 }
      let answer = trend.price(after: 60)
      guard time - kept[0].microseconds >= Self.shortest else {
        #expect(answer == nil, "seed \(seed), \(points.count) prices")
        continue
      }
      answers += 1
      #expect(Self.areClose(answer, Self.leastSquares(kept)), "seed \(seed), \(points.count) prices")
    }
    #expect(answers > 60, "seed \(seed)")
  }
}
