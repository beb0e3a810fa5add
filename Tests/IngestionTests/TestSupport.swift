import FoundationEssentials
import Ingestion
import Market
import Storage

import class Foundation.Bundle

enum Fixture {
  static func path(_ name: String) -> String { Bundle.module.bundlePath + "/Fixtures/" + name }

  static func bytes(_ name: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path(name)))) }

  static func lines(_ name: String) throws -> [String] {
    String(decoding: try bytes(name), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The candles of `candles.csv`, read the slow way.
  static func candles() throws -> [Candle] {
    try lines("candles.csv").dropFirst().map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return Candle(
        openTime: Timestamp(milliseconds: Int64(fields[0])!), open: Decimal8(fields[1])!, high: Decimal8(fields[2])!,
        low: Decimal8(fields[3])!, close: Decimal8(fields[4])!, volume: Decimal8(fields[5]),
        quoteVolume: Decimal8(fields[6]), trades: Int64(fields[7]), takerBuyBase: Decimal8(fields[8]),
        takerBuyQuote: Decimal8(fields[9]))
    }
  }
}

extension CandleFileReader {
  func all() throws -> [Candle] {
    var candles: [Candle] = []
    while let batch = try next() { candles += batch }
    return candles
  }
}

extension ImportError {
  var badRow: BadRow? { if case .badRow(let row) = self { row } else { nil } }
}
