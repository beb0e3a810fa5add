import Market

/// One text frame of a Binance stream, bare or within the combined wrapper. Its first member tells what it is.
enum BinanceFrame {
  static func message(in frame: UnsafeBufferPointer<UInt8>) throws(VenueError) -> VenueMessage {
    var scanner = JSONScanner(frame)
    let message = try object(&scanner, stream: nil)
    try scanner.end()
    return message
  }

  /// - Parameter stream: the name in the combined wrapper around it.
  private static func object(
    _ scanner: inout JSONScanner, stream: UnsafeBufferPointer<UInt8>?
  ) throws(VenueError) -> VenueMessage {
    guard scanner.peek() != .array else { throw .unknown(kind: "[]") }
    guard let (key, value) = try scanner.firstMember() else { throw .unknown(kind: "{}") }
    switch key {
    case "u": return try quote(&scanner)
    case "e": return try event(&scanner, named: value)
    case "stream", "data":
      guard stream == nil else { throw scanner.malformed("a wrapper within a wrapper") }
      return try combined(&scanner)
    case "lastUpdateId":
      guard let stream else { throw .unknown(kind: "a book without a symbol") }
      return .book(try symbol(ofStream: stream), try book(&scanner))
    case "result", "id", "code", "msg", "error", "status": return .control(try control(&scanner))
    default: throw .unknown(kind: key.text)
    }
  }

  private static func combined(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    var stream = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    var message: VenueMessage?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "stream": stream = try scanner.rawString()
      case "data": message = try object(&scanner, stream: stream)
      default: try scanner.skip()
      }
    }
    guard let message else { throw scanner.malformed("a wrapper without data") }
    return message
  }

  /// The upper-case symbol before the `@` of a stream's name.
  private static func symbol(ofStream name: UnsafeBufferPointer<UInt8>) throws(VenueError) -> Symbol {
    let text = String(decoding: name.prefix { $0 != UInt8(ascii: "@") }, as: UTF8.self)
    guard let symbol = Symbol(text.uppercased()) else {
      throw .badValue(field: "stream", value: name.shown, reason: "no symbol before @")
    }
    return symbol
  }

  private static func event(_ scanner: inout JSONScanner, named value: JSONScanner) throws(VenueError) -> VenueMessage {
    var value = value
    let name = try value.rawString()
    if name.equals("trade") { return try trade(&scanner, .single) }
    if name.equals("aggTrade") { return try trade(&scanner, .aggregated) }
    if name.equals("depthUpdate") { return try bookChange(&scanner) }
    if name.equals("kline") { return try kline(&scanner) }
    if name.equals("serverShutdown") {
      try scanner.skip()
      return .shutdown
    }
    throw .unknown(kind: name.shown)
  }

  // MARK: Kinds

  private static func quote(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    var symbol: Symbol?
    var id: Int64?
    var (bid, bidQuantity, ask, askQuantity): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "u": id = try scanner.id("u")
      case "s": symbol = try scanner.symbol("s")
      case "b": bid = try scanner.price("b")
      case "B": bidQuantity = try scanner.amount("B")
      case "a": ask = try scanner.price("a")
      case "A": askQuantity = try scanner.amount("A")
      default: try scanner.skip()
      }
    }
    guard let symbol, let id, let bid, let bidQuantity, let ask, let askQuantity else {
      throw scanner.malformed("a best bid and ask with a part missing")
    }
    return .quote(
      symbol,
      Quote(updateId: id, bidPrice: bid, bidQuantity: bidQuantity, askPrice: ask, askQuantity: askQuantity))
  }

  private static func trade(
    _ scanner: inout JSONScanner, _ kind: BinanceProtocol.TradeStream
  ) throws(VenueError) -> VenueMessage {
    var symbol: Symbol?
    var fields = BinanceTradeFields()
    try scanner.object { scanner, key throws(VenueError) in
      if case "s" = key { symbol = try scanner.symbol("s") } else { try fields.read(key, &scanner, kind) }
    }
    guard let symbol else { throw scanner.malformed("a trade without a symbol") }
    return .trade(symbol, try fields.trade(before: scanner))
  }

  /// A book as a whole: of a partial depth stream, or the answer to a request.
  static func book(_ scanner: inout JSONScanner) throws(VenueError) -> BookUpdate {
    var id: Int64?
    var (bids, asks): ([BookUpdate.Level]?, [BookUpdate.Level]?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "lastUpdateId": id = try scanner.id("lastUpdateId")
      case "bids": bids = try scanner.levels()
      case "asks": asks = try scanner.levels()
      default: try scanner.skip()
      }
    }
    guard let id, let bids, let asks else { throw scanner.malformed("a book with a part missing") }
    return BookUpdate(isSnapshot: true, firstId: id, lastId: id, bids: bids, asks: asks)
  }

  private static func bookChange(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    var symbol: Symbol?
    var time: Timestamp?
    var (first, last): (Int64?, Int64?)
    var (bids, asks): ([BookUpdate.Level]?, [BookUpdate.Level]?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "E": time = try scanner.time("E")
      case "s": symbol = try scanner.symbol("s")
      case "U": first = try scanner.id("U")
      case "u": last = try scanner.id("u")
      case "b": bids = try scanner.levels()
      case "a": asks = try scanner.levels()
      default: try scanner.skip()
      }
    }
    guard let symbol, let time, let first, let last, let bids, let asks else {
      throw scanner.malformed("a book change with a part missing")
    }
    guard first <= last else { throw .badValue(field: "U", value: "\(first)", reason: "above u, which is \(last)") }
    return .book(
      symbol, BookUpdate(isSnapshot: false, firstId: first, lastId: last, time: time, bids: bids, asks: asks))
  }

  private static func kline(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    var symbol: Symbol?
    var time: Timestamp?
    var minute: (candle: Candle, isClosed: Bool)?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "E": time = try scanner.time("E")
      case "s": symbol = try scanner.symbol("s")
      case "k": minute = try BinanceCandleFields.read(&scanner)
      default: try scanner.skip()
      }
    }
    guard let symbol, let time, let minute else { throw scanner.malformed("a kline with a part missing") }
    return .kline(symbol, Kline(candle: minute.candle, isClosed: minute.isClosed, time: time))
  }

  private static func control(_ scanner: inout JSONScanner) throws(VenueError) -> VenueControl {
    var refusal: String?
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "msg": refusal = String(try scanner.string().prefix(BinanceRefusal.longestReason))
      case "error" where scanner.peek() == .object: refusal = try BinanceRefusal(&scanner).reason
      default: try scanner.skip()
      }
    }
    return refusal.map { .refused(reason: $0) } ?? .accepted
  }
}
