import Market

/// Product ids: `BTC-USD` for what is `BTCUSD` elsewhere.
enum CoinbaseProduct {
  private static let quotes = ["USDT", "USDC", "USD", "EUR", "GBP", "BTC", "ETH"]

  /// A name that has a hyphen, or no known quote currency, stays as it is.
  static func name(of symbol: Symbol) -> Symbol {
    guard !symbol.name.contains("-"),
      let quote = quotes.first(where: { symbol.name.hasSuffix($0) && symbol.name != $0 })
    else { return symbol }
    return Symbol(symbol.name.dropLast(quote.count) + "-" + quote) ?? symbol
  }

  /// `["BTC-USD","ETH-USD"]`
  static func list(_ symbols: [Symbol]) -> String {
    "[" + symbols.map { "\"\($0)\"" }.joined(separator: ",") + "]"
  }
}

/// A trade's values by the names that both interfaces share.
struct CoinbaseTradeFields {
  private(set) var symbol: Symbol?
  private var id: Int64?
  private var time: Timestamp?
  private var price: Decimal8?
  private var quantity: Decimal8?
  private var isTakerBuyer: Bool?

  mutating func read(_ key: JSONKey, _ scanner: inout JSONScanner) throws(VenueError) {
    switch key {
    case "trade_id": id = try scanner.quotedId("trade_id")
    case "product_id": symbol = try scanner.symbol("product_id")
    case "price": price = try scanner.price("price")
    case "size": quantity = try scanner.price("size")
    case "side": isTakerBuyer = try !scanner.isMakerBuy()
    case "time": time = try scanner.isoTime("time")
    default: try scanner.skip()
    }
  }

  func trade(before scanner: JSONScanner) throws(VenueError) -> Trade {
    guard let id, let time, let price, let quantity, let isTakerBuyer else {
      throw scanner.malformed("a trade with a part missing")
    }
    return Trade(id: id, time: time, price: price, quantity: quantity, isTakerBuyer: isTakerBuyer)
  }

  static func read(_ scanner: inout JSONScanner) throws(VenueError) -> (symbol: Symbol?, trade: Trade) {
    var fields = CoinbaseTradeFields()
    try scanner.object { scanner, key throws(VenueError) in try fields.read(key, &scanner) }
    return (fields.symbol, try fields.trade(before: scanner))
  }

  /// A list that comes newest first.
  static func list(_ scanner: inout JSONScanner) throws(VenueError) -> [Trade] {
    var trades: [Trade] = []
    try scanner.array { scanner, _ throws(VenueError) in
      let trade = try read(&scanner).trade
      if let last = trades.last, last.id <= trade.id {
        throw .badValue(field: "trade_id", value: "\(trade.id)", reason: "not below \(last.id)")
      }
      trades.append(trade)
    }
    return trades.reversed()
  }
}

/// A minute's values. Coinbase tells neither quote volume nor the number of trades.
struct CoinbaseCandleFields {
  var openTime: Timestamp?
  var (open, high, low, close): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
  var volume: Decimal8?

  func candle(before scanner: JSONScanner) throws(VenueError) -> Candle {
    guard let openTime, let open, let high, let low, let close, let volume else {
      throw scanner.malformed("a candle with a part missing")
    }
    let candle = Candle(openTime: openTime, open: open, high: high, low: low, close: close, volume: volume)
    return try candle.checked()
  }

  /// Oldest first, of a list that comes newest first.
  static func list(
    _ scanner: inout JSONScanner, _ row: (inout JSONScanner) throws(VenueError) -> CoinbaseCandleFields
  ) throws(VenueError) -> [Candle] {
    var candles: [Candle] = []
    try scanner.array { scanner, _ throws(VenueError) in
      let candle = try row(&scanner).candle(before: scanner)
      if let last = candles.last, last.openTime <= candle.openTime {
        throw .badValue(field: "time", value: "\(candle.openTime)", reason: "not before \(last.openTime)")
      }
      candles.append(candle)
    }
    return candles.reversed()
  }
}

extension JSONScanner {
  /// The side is the maker's on both interfaces: who was in the book.
  fileprivate mutating func isMakerBuy() throws(VenueError) -> Bool {
    let side = try rawString()
    if side.equals("buy") || side.equals("BUY") { return true }
    if side.equals("sell") || side.equals("SELL") { return false }
    throw .badValue(field: "side", value: side.shown, reason: "neither buy nor sell")
  }

  mutating func unixSeconds(_ field: StaticString) throws(VenueError) -> Timestamp {
    let value = try quotedInteger()
    guard let time = Timestamp(plausible: value, unitsPerSecond: 1) else {
      throw .badValue(field: "\(field)", value: "\(value)", reason: "no Unix seconds of this century")
    }
    return time
  }
}

extension VenueAnswer {
  /// What a body says went wrong.
  var coinbaseReason: String? {
    try? scan { scanner throws(VenueError) in
      var texts: [String] = []
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "message", "error", "error_details", "reason":
          guard scanner.peek() == .string else { return try scanner.skip() }
          let text = String(try scanner.string().prefix(200))
          if !text.isEmpty, !texts.contains(text) { texts.append(text) }
        default: try scanner.skip()
        }
      }
      return texts.isEmpty ? nil : texts.joined(separator: ": ")
    }
  }

  /// All of the body of a good answer; another is an error with the venue's reason.
  func coinbase<Value>(
    _ read: (inout JSONScanner) throws(VenueError) -> Value
  ) throws(VenueError) -> Value {
    try requireSuccess(\.coinbaseReason)
    return try scan(read)
  }
}

extension Range<Timestamp> {
  /// Whole minutes from the start on as Unix seconds, at most `limit`; both ends count.
  func unixSeconds(ofMinutes limit: Int) -> (first: Int64, last: Int64) {
    let bounds = Timestamp(microseconds: 0)..<Timestamp(microseconds: 4_102_444_800_000_000)
    let range = clamped(to: bounds)
    let first = (range.lowerBound.microseconds + 59_999_999) / 60_000_000
    let end = (range.upperBound.microseconds + 59_999_999) / 60_000_000
    let last = Swift.min(end, first + Int64(Swift.max(limit, 1))) - 1
    return (first * 60, Swift.max(first, last) * 60)
  }
}
