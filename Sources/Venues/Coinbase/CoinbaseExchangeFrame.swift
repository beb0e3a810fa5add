import Market

/// One text frame of the Exchange feed. Its members come in any order.
enum CoinbaseExchangeFrame {
  static func message(in frame: UnsafeBufferPointer<UInt8>) throws(VenueError) -> VenueMessage {
    var scanner = JSONScanner(frame)
    let type = try type(of: scanner)
    let message = try message(&scanner, type)
    try scanner.end()
    return message
  }

  private static func type(of scanner: JSONScanner) throws(VenueError) -> UnsafeBufferPointer<UInt8> {
    var scanner = scanner
    if let (key, value) = try scanner.firstMember(), case "type" = key {
      var value = value
      return try value.rawString()
    }
    var type: UnsafeBufferPointer<UInt8>?
    try scanner.object { scanner, key throws(VenueError) in
      if case "type" = key { type = try scanner.rawString() } else { try scanner.skip() }
    }
    guard let type else { throw .unknown(kind: "a message without a type") }
    return type
  }

  private static func message(
    _ scanner: inout JSONScanner, _ type: UnsafeBufferPointer<UInt8>
  ) throws(VenueError) -> VenueMessage {
    if type.equals("match") || type.equals("last_match") { return try match(&scanner) }
    if type.equals("heartbeat") { return try heartbeat(&scanner) }
    if type.equals("ticker") { return try quote(&scanner) }
    if type.equals("snapshot") || type.equals("l2update") {
      return try book(&scanner, isSnapshot: type.equals("snapshot"))
    }
    if type.equals("subscriptions") {
      try scanner.skip()
      return .control(.accepted)
    }
    if type.equals("error") { return .control(.refused(reason: try refusal(&scanner))) }
    throw .unknown(kind: type.shown)
  }

  private static func match(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    let (symbol, trade) = try CoinbaseTradeFields.read(&scanner)
    guard let symbol else { throw scanner.malformed("a match without a product") }
    return .trade(symbol, trade)
  }

  private static func heartbeat(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    var (symbol, time, id): (Symbol?, Timestamp?, Int64?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "product_id": symbol = try scanner.symbol("product_id")
      case "time": time = try scanner.isoTime("time")
      case "last_trade_id": id = try scanner.id("last_trade_id")
      default: try scanner.skip()
      }
    }
    guard let symbol, let time, let id else { throw scanner.malformed("a heartbeat with a part missing") }
    return .heartbeat(symbol, time: time, lastTradeId: id)
  }

  private static func quote(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    var (symbol, time, sequence): (Symbol?, Timestamp?, Int64?)
    var (bid, bidQuantity, ask, askQuantity): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "product_id": symbol = try scanner.symbol("product_id")
      case "time": time = try scanner.isoTime("time")
      case "sequence": sequence = try scanner.id("sequence")
      case "best_bid": bid = try scanner.price("best_bid")
      case "best_bid_size": bidQuantity = try scanner.amount("best_bid_size")
      case "best_ask": ask = try scanner.price("best_ask")
      case "best_ask_size": askQuantity = try scanner.amount("best_ask_size")
      default: try scanner.skip()
      }
    }
    guard let symbol, let bid, let bidQuantity, let ask, let askQuantity else {
      throw scanner.malformed("a ticker with a part missing")
    }
    return .quote(
      symbol,
      Quote(
        updateId: sequence, time: time, bidPrice: bid, bidQuantity: bidQuantity, askPrice: ask,
        askQuantity: askQuantity))
  }

  private static func book(_ scanner: inout JSONScanner, isSnapshot: Bool) throws(VenueError) -> VenueMessage {
    var (symbol, time): (Symbol?, Timestamp?)
    var (bids, asks): ([BookUpdate.Level]?, [BookUpdate.Level]?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "product_id": symbol = try scanner.symbol("product_id")
      case "time": time = try scanner.isoTime("time")
      case "bids" where isSnapshot: bids = try scanner.levels()
      case "asks" where isSnapshot: asks = try scanner.levels()
      case "changes" where !isSnapshot: (bids, asks) = try changes(&scanner)
      default: try scanner.skip()
      }
    }
    guard let symbol, let bids, let asks else { throw scanner.malformed("a book with a part missing") }
    return .book(
      symbol, BookUpdate(isSnapshot: isSnapshot, firstId: nil, lastId: nil, time: time, bids: bids, asks: asks))
  }

  /// Triples of side, price and quantity.
  private static func changes(
    _ scanner: inout JSONScanner
  ) throws(VenueError) -> (bids: [BookUpdate.Level]?, asks: [BookUpdate.Level]?) {
    var (bids, asks): ([BookUpdate.Level], [BookUpdate.Level]) = ([], [])
    try scanner.array { scanner, _ throws(VenueError) in
      var (isBid, price, quantity): (Bool?, Decimal8?, Decimal8?)
      try scanner.array { scanner, index throws(VenueError) in
        switch index {
        case 0: isBid = try scanner.isBid("buy", "sell")
        case 1: price = try scanner.price("price")
        case 2: quantity = try scanner.amount("quantity")
        default: try scanner.skip()
        }
      }
      guard let isBid, let price, let quantity else { throw scanner.malformed("a change with a part missing") }
      let level = BookUpdate.Level(price: price, quantity: quantity)
      if isBid { bids.append(level) } else { asks.append(level) }
    }
    return (bids, asks)
  }

  private static func refusal(_ scanner: inout JSONScanner) throws(VenueError) -> String {
    var texts: [String] = []
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "message", "reason": texts.append(String(try scanner.string().prefix(200)))
      default: try scanner.skip()
      }
    }
    return texts.isEmpty ? "no reason given" : texts.joined(separator: ": ")
  }
}

extension JSONScanner {
  mutating func isBid(_ bid: StaticString, _ ask: StaticString) throws(VenueError) -> Bool {
    let side = try rawString()
    if side.equals(bid) { return true }
    if side.equals(ask) { return false }
    throw .badValue(field: "side", value: side.shown, reason: "neither \(bid) nor \(ask)")
  }
}
