import Market
import Storage

/// The newest candles of one series, to know a repetition from something new.
struct RecentCandles: Sendable {
  private static let keptMinutes: Int64 = 2 * 24 * 60
  private var candles: [Int64: Candle] = [:]
  private var newest: Int64 = .min

  /// - Returns: `false` if the candle says nothing that is not known.
  mutating func take(_ candle: Candle) -> Bool {
    let minute = candle.openTime.minute
    if let known = candles[minute], known.covers(candle) { return false }
    newest = max(newest, minute)
    let oldest = newest - Self.keptMinutes
    guard minute > oldest else { return true }
    candles[minute] = candle
    if candles.count > Int(Self.keptMinutes) * 5 / 4 { candles = candles.filter { $0.key > oldest } }
    return true
  }
}
