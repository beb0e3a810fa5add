import Market

/// The envelope of an Advanced Trade frame: `channel`, `timestamp`, `sequence_num` and `events`, in any order.
struct CoinbaseAdvancedFrame {
  private var channel: UnsafeBufferPointer<UInt8>?
  private var time: Timestamp?
  private(set) var sequence: Int64?
  private var events: JSONScanner?
  private var isError = false
  private var reason: String?

  /// `frame` must outlive the envelope.
  init(_ frame: UnsafeBufferPointer<UInt8>) throws(VenueError) {
    var scanner = JSONScanner(frame)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "channel": channel = try scanner.rawString()
      case "timestamp": time = try scanner.isoTime("timestamp")
      case "sequence_num": sequence = try scanner.id("sequence_num")
      case "events":
        events = scanner
        try scanner.skip()
      case "type": isError = try scanner.rawString().equals("error")
      case "message": reason = String(try scanner.string().prefix(200))
      default: try scanner.skip()
      }
    }
    try scanner.end()
  }

  func messages() throws(VenueError) -> [VenueMessage] {
    if isError { return [.control(.refused(reason: reason ?? "no reason given"))] }
    guard let channel, let events else { throw .unknown(kind: "a message without channel or events") }
    if channel.equals("heartbeats") { return [.heartbeat(nil, time: time, lastTradeId: nil)] }
    if channel.equals("subscriptions") { return [.control(.accepted)] }
    let read: (inout JSONScanner) throws(VenueError) -> [VenueMessage]
    if channel.equals("market_trades") {
      read = trades
    } else if channel.equals("ticker") {
      read = quotes
    } else if channel.equals("l2_data") {
      read = book
    } else {
      throw .unknown(kind: channel.shown)
    }
    var scanner = events
    var messages: [VenueMessage] = []
    try scanner.array { scanner, _ throws(VenueError) in messages += try read(&scanner) }
    return messages
  }

  /// By rising id, whatever the order in the frame.
  private func trades(_ scanner: inout JSONScanner) throws(VenueError) -> [VenueMessage] {
    var trades: [(symbol: Symbol, trade: Trade)] = []
    try scanner.object { scanner, key throws(VenueError) in
      guard case "trades" = key else { return try scanner.skip() }
      try scanner.array { scanner, _ throws(VenueError) in
        let (symbol, trade) = try CoinbaseTradeFields.read(&scanner)
        guard let symbol else { throw scanner.malformed("a trade without a product") }
        trades.append((symbol, trade))
      }
    }
    return trades.sorted { $0.trade.id < $1.trade.id }.map { .trade($0.symbol, $0.trade) }
  }

  private func quotes(_ scanner: inout JSONScanner) throws(VenueError) -> [VenueMessage] {
    var quotes: [VenueMessage] = []
    try scanner.object { scanner, key throws(VenueError) in
      guard case "tickers" = key else { return try scanner.skip() }
      try scanner.array { scanner, _ throws(VenueError) in quotes.append(try quote(&scanner)) }
    }
    return quotes
  }

  private func quote(_ scanner: inout JSONScanner) throws(VenueError) -> VenueMessage {
    var symbol: Symbol?
    var (bid, bidQuantity, ask, askQuantity): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "product_id": symbol = try scanner.symbol("product_id")
      case "best_bid": bid = try scanner.price("best_bid")
      case "best_bid_quantity": bidQuantity = try scanner.amount("best_bid_quantity")
      case "best_ask": ask = try scanner.price("best_ask")
      case "best_ask_quantity": askQuantity = try scanner.amount("best_ask_quantity")
      default: try scanner.skip()
      }
    }
    guard let symbol, let bid, let bidQuantity, let ask, let askQuantity else {
      throw scanner.malformed("a ticker with a part missing")
    }
    return .quote(
      symbol, Quote(time: time, bidPrice: bid, bidQuantity: bidQuantity, askPrice: ask, askQuantity: askQuantity))
  }

  private func book(_ scanner: inout JSONScanner) throws(VenueError) -> [VenueMessage] {
    var (symbol, isSnapshot): (Symbol?, Bool?)
    var (bids, asks): ([BookUpdate.Level], [BookUpdate.Level]) = ([], [])
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "product_id": symbol = try scanner.symbol("product_id")
      case "type": isSnapshot = try scanner.rawString().equals("snapshot")
      case "updates":
        try scanner.array { scanner, _ throws(VenueError) in
          let (isBid, level) = try Self.change(&scanner)
          if isBid { bids.append(level) } else { asks.append(level) }
        }
      default: try scanner.skip()
      }
    }
    guard let symbol, let isSnapshot else { throw scanner.malformed("a book with a part missing") }
    let update = BookUpdate(isSnapshot: isSnapshot, firstId: nil, lastId: nil, time: time, bids: bids, asks: asks)
    return [.book(symbol, update)]
  }

  private static func change(
    _ scanner: inout JSONScanner
  ) throws(VenueError) -> (isBid: Bool, level: BookUpdate.Level) {
    var (isBid, price, quantity): (Bool?, Decimal8?, Decimal8?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "side": isBid = try scanner.isBid("bid", "offer")
      case "price_level": price = try scanner.price("price_level")
      case "new_quantity": quantity = try scanner.amount("new_quantity")
      default: try scanner.skip()
      }
    }
    guard let isBid, let price, let quantity else { throw scanner.malformed("a change with a part missing") }
    return (isBid, BookUpdate.Level(price: price, quantity: quantity))
  }
}
