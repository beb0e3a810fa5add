import Features
import Market

/// Candles are folded anew a piece at a time: a year of them at once would be tens of megabytes.
extension MarketView {
  private static let pieceMinutes = 5 * 1440

  /// - Parameter candles: of a series, ascending.
  func joined(_ candles: (Series) throws -> [Candle]) rethrows -> JoinedCandles {
    JoinedCandles(prices: try candles(price), volumes: try volume.map(candles))
  }

  /// Of some days each, in order; none where nothing is stored.
  static func pieces(of period: Range<Timestamp>?) -> [Range<Timestamp>] {
    guard let period else { return [] }
    var pieces: [Range<Timestamp>] = []
    var start = period.lowerBound
    while start < period.upperBound {
      let end = min(start.adding(minutes: pieceMinutes), period.upperBound)
      pieces.append(start..<end)
      start = end
    }
    return pieces
  }
}
