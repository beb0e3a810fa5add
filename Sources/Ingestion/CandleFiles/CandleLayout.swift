/// The columns of a candle file.
enum CandleLayout: Hashable {
  /// Our own: the last five columns may be empty.
  case own
  /// Twelve columns of Binance's kline archives; the last one means nothing.
  case binance

  var columns: [String] {
    switch self {
    case .own: Self.ownColumns
    case .binance: Self.binanceColumns
    }
  }

  /// Told by the first line; `hasHeader` when that line is no candle.
  static func recognise(_ line: [UInt8]) -> (layout: CandleLayout, hasHeader: Bool)? {
    let text = String(decoding: line, as: UTF8.self)
    if text == ownColumns.joined(separator: ",") { return (.own, true) }
    guard line.count(where: { $0 == UInt8(ascii: ",") }) == binanceColumns.count - 1 else { return nil }
    if text.hasPrefix("open_time,open,high,low,close,volume,close_time,") { return (.binance, true) }
    return line.first?.isDigit == true ? (.binance, false) : nil
  }

  private static let ownColumns = [
    "open_time_ms", "open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_base",
    "taker_buy_quote",
  ]

  private static let binanceColumns = [
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades", "taker_buy_base",
    "taker_buy_quote", "ignore",
  ]
}

extension UInt8 {
  fileprivate var isDigit: Bool { self >= 48 && self <= 57 }
}

/// The unit of a file's times, told by their magnitude.
enum TimeUnit: Int64 {
  case microseconds = 1
  case milliseconds = 1000

  init(of value: Int64) { self = value >= 100_000_000_000_000 ? .microseconds : .milliseconds }

  static let rule = "a Unix time between 1970 and 2200"

  func isPlausible(_ time: Int64) -> Bool { (0..<7_258_118_400_000_000 / rawValue).contains(time) }
}
