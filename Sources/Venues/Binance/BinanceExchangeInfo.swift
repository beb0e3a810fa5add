package import Market

/// What Binance says about its limits and symbols.
package struct BinanceExchangeInfo: Hashable, Sendable {
  package var rateLimits: [RateLimit] = []
  /// Symbols with names of letters and digits; there are others.
  package var symbols: [Symbol: Listing] = [:]

  package struct RateLimit: Hashable, Sendable {
    /// `REQUEST_WEIGHT`, `RAW_REQUESTS`, …
    package var kind: String
    /// `SECOND`, `MINUTE`, `HOUR` or `DAY`.
    package var interval: String
    package var intervals: Int64
    package var limit: Int64
  }

  package struct Listing: Hashable, Sendable {
    package var status: Status
    package var baseAsset: String
    package var quoteAsset: String
    /// The smallest difference of two prices.
    package var tickSize: Decimal8?
    /// The smallest difference of two quantities.
    package var stepSize: Decimal8?
  }

  package enum Status: Hashable, Sendable {
    case trading, endOfDay, halt, `break`, cancelOnly
    case other(String)

    init(_ name: String) {
      self =
        switch name {
        case "TRADING": .trading
        case "END_OF_DAY": .endOfDay
        case "HALT": .halt
        case "BREAK": .break
        case "CANCEL_ONLY": .cancelOnly
        default: .other(name)
        }
    }
  }

  package var weightPerMinute: Int? {
    rateLimits.lazy.filter { $0.kind == "REQUEST_WEIGHT" && $0.interval == "MINUTE" }
      .compactMap { $0.intervals > 0 ? Int(exactly: $0.limit / $0.intervals) : nil }
      .first { (1...1_000_000_000).contains($0) }
  }

  init(_ scanner: inout JSONScanner) throws(VenueError) {
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "rateLimits":
        try scanner.array { scanner, _ throws(VenueError) in rateLimits.append(try RateLimit(&scanner)) }
      case "symbols":
        try scanner.array { scanner, _ throws(VenueError) in
          if let (symbol, listing) = try Listing.read(&scanner) { symbols[symbol] = listing }
        }
      default: try scanner.skip()
      }
    }
  }
}

extension BinanceExchangeInfo.RateLimit {
  fileprivate init(_ scanner: inout JSONScanner) throws(VenueError) {
    var (kind, interval): (String?, String?)
    var (intervals, limit): (Int64?, Int64?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "rateLimitType": kind = try scanner.string()
      case "interval": interval = try scanner.string()
      case "intervalNum": intervals = try scanner.id("intervalNum")
      case "limit": limit = try scanner.id("limit")
      default: try scanner.skip()
      }
    }
    guard let kind, let interval, let intervals, let limit else {
      throw scanner.malformed("a rate limit with a part missing")
    }
    self.init(kind: kind, interval: interval, intervals: intervals, limit: limit)
  }
}

extension BinanceExchangeInfo.Listing {
  fileprivate static func read(_ scanner: inout JSONScanner) throws(VenueError) -> (Symbol, Self)? {
    var symbol: Symbol?
    var status: BinanceExchangeInfo.Status?
    var (base, quote) = ("", "")
    var (tick, step): (Decimal8?, Decimal8?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "symbol": symbol = try scanner.symbolIfNamed()
      case "status": status = BinanceExchangeInfo.Status(try scanner.string())
      case "baseAsset": base = try scanner.string()
      case "quoteAsset": quote = try scanner.string()
      case "filters":
        try scanner.array { scanner, _ throws(VenueError) in
          let sizes = try filter(&scanner)
          (tick, step) = (tick ?? sizes.tick, step ?? sizes.step)
        }
      default: try scanner.skip()
      }
    }
    guard let status else { throw scanner.malformed("a symbol without a status") }
    guard let symbol else { return nil }
    return (symbol, Self(status: status, baseAsset: base, quoteAsset: quote, tickSize: tick, stepSize: step))
  }

  private static func filter(
    _ scanner: inout JSONScanner
  ) throws(VenueError) -> (tick: Decimal8?, step: Decimal8?) {
    var (kind, tick, step): (String?, Decimal8?, Decimal8?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "filterType": kind = try scanner.string()
      case "tickSize": tick = try scanner.decimal()
      case "stepSize": step = try scanner.decimal()
      default: try scanner.skip()
      }
    }
    return (kind == "PRICE_FILTER" ? tick : nil, kind == "LOT_SIZE" ? step : nil)
  }
}

extension JSONScanner {
  /// `nil` for a name that `Symbol` does not hold, such as one in Chinese.
  mutating func symbolIfNamed() throws(VenueError) -> Symbol? { Symbol(utf8: try rawString()) }
}
