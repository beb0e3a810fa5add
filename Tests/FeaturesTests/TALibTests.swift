import Features
import FoundationEssentials
import Market
import Testing

/// Against what TA-Lib gives for real candles; `Scripts/golden/make_talib.py` made the files.
@Suite struct TALibTests {
  private static let scaledByPrice: Set = [
    "macd", "macd_signal", "macd_hist", "bb_upper_20", "bb_middle_20", "bb_lower_20", "atr_14", "ema_12", "ema_26",
    "ema_50", "sma_20", "sma_50", "sma_200",
  ]

  @Test func `every column that TA-Lib defines is TA-Lib's from its first row on`() throws {
    let candles = try candles()
    let names = try text("talib_columns.txt").split(separator: "\n").map(String.init)
    let golden = try doubles("talib_values.f64")
    try #require(golden.count == candles.count * names.count && candles.count > 1000)
    let vectors = fold(candles)
    for (place, name) in names.enumerated() {
      let column = try #require(FeatureSet.candles.index(of: name))
      for row in candles.indices {
        let (value, wanted) = (vectors[row][column], golden[row * names.count + place])
        #expect(value.isNaN == wanted.isNaN, "\(name) at row \(row): \(value), TA-Lib \(wanted)")
        let size = Self.scaledByPrice.contains(name) ? candles[row].close : name == "cci_20" ? 100 : 0
        let isClose = wanted.isNaN || abs(value - wanted) <= 1e-9 * max(abs(wanted), size)
        #expect(isClose, "\(name) at row \(row): \(value), TA-Lib \(wanted)")
      }
    }
  }

  private func candles() throws -> [FeatureInput] {
    try text("talib_candles.csv").split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: ",").map(String.init)
      return FeatureInput(
        Candle(
          openTime: Timestamp(milliseconds: try #require(Int64(fields[0]))), open: try #require(Decimal8(fields[1])),
          high: try #require(Decimal8(fields[2])), low: try #require(Decimal8(fields[3])),
          close: try #require(Decimal8(fields[4])), volume: Decimal8(fields[5]), quoteVolume: Decimal8(fields[6]),
          trades: Int64(fields[7]), takerBuyBase: Decimal8(fields[8]), takerBuyQuote: Decimal8(fields[9])))
    }
  }

  private func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  private func doubles(_ name: String) throws -> [Double] {
    let bytes = [UInt8](try data(name))
    return stride(from: 0, to: bytes.count, by: 8).map { start in
      Double(bitPattern: bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
  }

  private func data(_ name: String, file: String = #filePath) throws -> Data {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    return try Data(contentsOf: URL(filePath: folder + "/Fixtures/" + name))
  }
}
