import Market

/// A trade's values in Bybit's stream and in its answers.
///
/// Bybit's trade ids do not count. The cross sequence stands for the id: it rises, with jumps, and trades of one order may
/// share it. So it proves nothing about lost trades; minutes are made of klines here.
struct BybitTradeFields {
  private var symbol: Symbol?
  private var sequence: Int64?
  private var time: Int64?
  private var price: Decimal8?
  private var quantity: Decimal8?
  private var isTakerBuyer: Bool?
  private var isOffBook = false

  /// `nil` for block trades and retail price improvement: their prices are not the book's.
  static func read(_ scanner: inout JSONScanner) throws(VenueError) -> (Symbol, Trade)? {
    var fields = BybitTradeFields()
    try scanner.object { scanner, key throws(VenueError) in try fields.read(key, &scanner) }
    guard let symbol = fields.symbol, let sequence = fields.sequence, let price = fields.price,
      let quantity = fields.quantity, let isTakerBuyer = fields.isTakerBuyer,
      let time = fields.time.flatMap({ Timestamp(plausible: $0, unitsPerSecond: 1000) })
    else { throw scanner.malformed("a trade with a part missing") }
    guard !fields.isOffBook else { return nil }
    return (symbol, Trade(id: sequence, time: time, price: price, quantity: quantity, isTakerBuyer: isTakerBuyer))
  }

  private mutating func read(_ key: JSONKey, _ scanner: inout JSONScanner) throws(VenueError) {
    switch key {
    case "s", "symbol": symbol = try scanner.symbol("symbol")
    case "seq": sequence = try scanner.quotedId("seq")
    case "T", "time": time = try scanner.quotedInteger()
    case "p", "price": price = try scanner.price("price")
    case "v", "size": quantity = try scanner.price("size")
    case "S", "side": isTakerBuyer = try scanner.isBid("Buy", "Sell")
    case "BT", "isBlockTrade", "RPI", "isRPITrade":
      let isSpecial = try scanner.boolean()
      isOffBook = isOffBook || isSpecial
    default: try scanner.skip()
    }
  }
}

/// A minute's values. Bybit tells neither the number of trades nor the takers' part.
struct BybitCandleFields {
  private var start: Int64?
  private var end: Int64?
  private var (open, high, low, close): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
  private var (volume, quoteVolume): (Decimal8?, Decimal8?)

  static func read(_ scanner: inout JSONScanner) throws(VenueError) -> (candle: Candle, isClosed: Bool) {
    var fields = BybitCandleFields()
    var isClosed: Bool?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "start": fields.start = try scanner.quotedInteger()
      case "end": fields.end = try scanner.quotedInteger()
      case "open": fields.open = try scanner.price("open")
      case "high": fields.high = try scanner.price("high")
      case "low": fields.low = try scanner.price("low")
      case "close": fields.close = try scanner.price("close")
      case "volume": fields.volume = try scanner.computedAmount("volume")
      case "turnover": fields.quoteVolume = try scanner.computedAmount("turnover")
      case "confirm": isClosed = try scanner.boolean()
      default: try scanner.skip()
      }
    }
    guard let isClosed else { throw scanner.malformed("a kline without confirm") }
    guard let start = fields.start, let end = fields.end, end.subtractingReportingOverflow(start).partialValue == 59_999
    else { throw scanner.malformed("a kline that is not of one minute") }
    return (try fields.candle(before: scanner), isClosed)
  }

  static func row(_ scanner: inout JSONScanner) throws(VenueError) -> Candle {
    var fields = BybitCandleFields()
    try scanner.array { scanner, index throws(VenueError) in
      switch index {
      case 0: fields.start = try scanner.quotedInteger()
      case 1: fields.open = try scanner.price("open")
      case 2: fields.high = try scanner.price("high")
      case 3: fields.low = try scanner.price("low")
      case 4: fields.close = try scanner.price("close")
      case 5: fields.volume = try scanner.computedAmount("volume")
      case 6: fields.quoteVolume = try scanner.computedAmount("turnover")
      default: try scanner.skip()
      }
    }
    return try fields.candle(before: scanner)
  }

  private func candle(before scanner: JSONScanner) throws(VenueError) -> Candle {
    guard let openTime = start.flatMap({ Timestamp(plausible: $0, unitsPerSecond: 1000) }), let open, let high,
      let low, let close, let volume, let quoteVolume
    else { throw scanner.malformed("a candle with a part missing") }
    let candle = Candle(
      openTime: openTime, open: open, high: high, low: low, close: close, volume: volume, quoteVolume: quoteVolume)
    return try candle.checked()
  }
}
