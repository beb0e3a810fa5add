import Market

/// A trade's values as Binance names them in its streams and in its answers.
struct BinanceTradeFields {
  private var id: Int64?
  private var time: Timestamp?
  private var price: Decimal8?
  private var quantity: Decimal8?
  private var isBuyerMaker: Bool?
  private var firstTrade: Int64?
  private var lastTrade: Int64?

  @inline(__always)
  mutating func read(
    _ key: JSONKey, _ scanner: inout JSONScanner, _ kind: BinanceProtocol.TradeStream
  ) throws(VenueError) {
    switch key {
    case "t", "id": id = try scanner.id("trade id")
    // In a single trade this is the seller's order.
    case "a" where kind == .aggregated: id = try scanner.id("a")
    case "p", "price": price = try scanner.price("price")
    case "q", "qty": quantity = try scanner.price("quantity")
    case "T", "time": time = try scanner.time("T")
    case "m", "isBuyerMaker": isBuyerMaker = try scanner.boolean()
    case "f": firstTrade = try scanner.id("f")
    case "l": lastTrade = try scanner.id("l")
    default: try scanner.skip()
    }
  }

  func trade(before scanner: JSONScanner) throws(VenueError) -> Trade {
    guard let id, let time, let price, let quantity, let isBuyerMaker else {
      throw scanner.malformed("a trade with a part missing")
    }
    var count: Int64 = 1
    if let firstTrade, let lastTrade {
      guard firstTrade <= lastTrade, lastTrade - firstTrade < .max else {
        throw .badValue(field: "f", value: "\(firstTrade)", reason: "above l, which is \(lastTrade)")
      }
      count = lastTrade - firstTrade + 1
    }
    return Trade(
      id: id, time: time, price: price, quantity: quantity, isTakerBuyer: !isBuyerMaker, count: count)
  }
}

/// A minute's values as Binance sends them, by name in its stream and by place in its answers.
struct BinanceCandleFields {
  private var openTime: Timestamp?
  private var closeTime: Timestamp?
  private var (open, high, low, close): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
  private var (volume, quoteVolume): (Decimal8?, Decimal8?)
  private var (takerBuyBase, takerBuyQuote): (Decimal8?, Decimal8?)
  private var trades: Int64?

  /// The object `k` of a kline event.
  static func read(_ scanner: inout JSONScanner) throws(VenueError) -> (candle: Candle, isClosed: Bool) {
    var fields = BinanceCandleFields()
    var isClosed: Bool?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "t": fields.openTime = try scanner.time("t")
      case "T": fields.closeTime = try scanner.time("T")
      case "i":
        let interval = try scanner.rawString()
        guard interval.equals("1m") else { throw .unknown(kind: "kline_" + interval.shown) }
      case "o": fields.open = try scanner.price("o")
      case "h": fields.high = try scanner.price("h")
      case "l": fields.low = try scanner.price("l")
      case "c": fields.close = try scanner.price("c")
      case "v": fields.volume = try scanner.amount("v")
      case "q": fields.quoteVolume = try scanner.amount("q")
      case "V": fields.takerBuyBase = try scanner.amount("V")
      case "Q": fields.takerBuyQuote = try scanner.amount("Q")
      case "n": fields.trades = try scanner.id("n")
      case "x": isClosed = try scanner.boolean()
      default: try scanner.skip()
      }
    }
    guard let isClosed else { throw scanner.malformed("a kline without x") }
    return (try fields.candle(before: scanner), isClosed)
  }

  /// A row of the answer to a request for klines.
  static func row(_ scanner: inout JSONScanner) throws(VenueError) -> Candle {
    var fields = BinanceCandleFields()
    try scanner.array { scanner, index throws(VenueError) in
      switch index {
      case 0: fields.openTime = try scanner.time("open time")
      case 1: fields.open = try scanner.price("open")
      case 2: fields.high = try scanner.price("high")
      case 3: fields.low = try scanner.price("low")
      case 4: fields.close = try scanner.price("close")
      case 5: fields.volume = try scanner.amount("volume")
      case 6: fields.closeTime = try scanner.time("close time")
      case 7: fields.quoteVolume = try scanner.amount("quote volume")
      case 8: fields.trades = try scanner.id("trade count")
      case 9: fields.takerBuyBase = try scanner.amount("taker buy base")
      case 10: fields.takerBuyQuote = try scanner.amount("taker buy quote")
      default: try scanner.skip()
      }
    }
    return try fields.candle(before: scanner)
  }

  private func candle(before scanner: JSONScanner) throws(VenueError) -> Candle {
    guard let openTime, let closeTime, let open, let high, let low, let close, let volume, let quoteVolume,
      let takerBuyBase, let takerBuyQuote, let trades
    else { throw scanner.malformed("a candle with a part missing") }
    guard closeTime > openTime, closeTime < openTime.adding(minutes: 1) else {
      throw .badValue(field: "close time", value: closeTime.description, reason: "not in the minute of \(openTime)")
    }
    let candle = Candle(
      openTime: openTime, open: open, high: high, low: low, close: close, volume: volume, quoteVolume: quoteVolume,
      trades: trades, takerBuyBase: takerBuyBase, takerBuyQuote: takerBuyQuote)
    return try candle.checked()
  }
}

extension JSONScanner {
  /// Milliseconds, or microseconds from 10¹⁴ on; between 1970 and 2286.
  @inline(__always)
  mutating func time(_ field: StaticString) throws(VenueError) -> Timestamp {
    let value = try integer()
    switch value {
    case 1..<10_000_000_000_000: return Timestamp(milliseconds: value)
    case 100_000_000_000_000..<10_000_000_000_000_000: return Timestamp(microseconds: value)
    default: throw .badValue(field: "\(field)", value: "\(value)", reason: "neither milliseconds nor microseconds")
    }
  }
}
