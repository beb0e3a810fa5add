package import Market

/// Opens and closes of one series by minute, with holes; every look-up is O(1).
package struct PricePath: Sendable {
  /// Open time of the first minute held, in minutes since 1970.
  package let firstMinute: Int64
  private let opens: [Double]
  private let closes: [Double]
  /// How many of the minutes before each index are present; one longer than `closes`.
  private let presentBefore: [Int32]

  /// Candles in any order; of two with one open time the later in the sequence counts.
  package init(_ candles: some Collection<Candle>) {
    self.init(
      minutes: candles.map(\.openTime.minute), opens: candles.map(\.open.doubleValue),
      closes: candles.map(\.close.doubleValue))
  }

  /// An oracle's minutes in any order, with the prices of their candles; sampled ones are absent.
  package init(_ minutes: some Collection<OracleMinute>) {
    let whole = minutes.filter { !$0.isSampled }
    self.init(
      minutes: whole.map(\.openTime.minute), opens: whole.map { $0.open.rounded?.doubleValue ?? .nan },
      closes: whole.map { $0.close.rounded?.doubleValue ?? .nan })
  }

  /// Three columns of equal length; NaN is an absent price, and a minute without both prices is absent.
  package init(minutes: [Int64], opens: [Double], closes: [Double]) {
    precondition(minutes.count == opens.count && minutes.count == closes.count, "columns differ in length")
    let first = minutes.min() ?? 0
    let length = minutes.max().map { Int($0 - first) + 1 } ?? 0
    var byMinute = (opens: [Double](repeating: .nan, count: length), closes: [Double](repeating: .nan, count: length))
    for row in minutes.indices where opens[row].isFinite && closes[row].isFinite {
      let index = Int(minutes[row] - first)
      byMinute.opens[index] = opens[row]
      byMinute.closes[index] = closes[row]
    }
    var present = [Int32](repeating: 0, count: length + 1)
    for index in 0..<length { present[index + 1] = present[index] + (byMinute.closes[index].isNaN ? 0 : 1) }
    (firstMinute, self.opens, self.closes, presentBefore) = (first, byMinute.opens, byMinute.closes, present)
  }

  /// Open times of the minutes held, holes included.
  package var minutes: Range<Int64> { firstMinute..<firstMinute + Int64(closes.count) }

  /// Open of the candle whose open time is `minute`.
  package func open(minute: Int64) -> Double? { value(opens, minute) }

  /// Close of the candle whose open time is `minute`.
  package func close(minute: Int64) -> Double? { value(closes, minute) }

  /// The price at an instant: the close of the candle that ends there.
  package func price(at time: Timestamp) -> Double? {
    time.isMinuteAligned ? close(minute: time.minute - 1) : nil
  }

  package func hasAll(_ wanted: Range<Int64>) -> Bool {
    guard wanted.lowerBound >= minutes.lowerBound, wanted.upperBound <= minutes.upperBound else { return false }
    let low = Int(wanted.lowerBound - firstMinute)
    let high = Int(wanted.upperBound - firstMinute)
    return Int(presentBefore[high] - presentBefore[low]) == wanted.count
  }

  private func value(_ column: [Double], _ minute: Int64) -> Double? {
    guard minutes.contains(minute) else { return nil }
    let value = column[Int(minute - firstMinute)]
    return value.isNaN ? nil : value
  }
}
