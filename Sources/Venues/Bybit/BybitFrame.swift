import Market

/// The envelope of a Bybit frame: data have `topic`, answers to what we sent have `op`. Members come in any order.
struct BybitFrame {
  private var topic: UnsafeBufferPointer<UInt8>?
  private var isSnapshot = false
  private var time: Timestamp?
  private var matchingTime: Timestamp?
  private var data: JSONScanner?
  private var isAnswer = false
  private var isRefused = false
  private var reason: String?

  /// `frame` must outlive the envelope.
  init(_ frame: UnsafeBufferPointer<UInt8>) throws(VenueError) {
    var scanner = JSONScanner(frame)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "topic": topic = try scanner.rawString()
      case "type": isSnapshot = try scanner.rawString().equals("snapshot")
      case "ts": time = try scanner.milliseconds("ts")
      case "cts": matchingTime = try scanner.milliseconds("cts")
      case "data":
        data = scanner
        try scanner.skip()
      case "op":
        isAnswer = true
        try scanner.skip()
      case "success": isRefused = try !scanner.boolean()
      case "ret_msg": reason = String(try scanner.string().prefix(200))
      default: try scanner.skip()
      }
    }
    try scanner.end()
  }

  func messages() throws(VenueError) -> [VenueMessage] {
    guard let topic else {
      guard isAnswer else { throw .unknown(kind: "a message without topic or op") }
      return [.control(isRefused ? .refused(reason: reason ?? "no reason given") : .accepted)]
    }
    let parts = topic.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard let symbol = parts.last.flatMap({ Symbol(String(decoding: $0, as: UTF8.self)) }) else {
      throw .unknown(kind: topic.shown)
    }
    guard var scanner = data, let time else { throw .malformed(offset: 0, reason: "no data or no ts") }
    let name = UnsafeBufferPointer(rebasing: parts[0])
    if name.equals("publicTrade"), parts.count == 2 { return try trades(&scanner) }
    guard parts.count == 3 else { throw .unknown(kind: topic.shown) }
    let variant = UnsafeBufferPointer(rebasing: parts[1])
    if name.equals("kline"), variant.equals("1") { return try klines(&scanner, symbol, time) }
    if name.equals("orderbook") { return try book(&scanner, symbol, isTop: variant.equals("1")) }
    throw .unknown(kind: topic.shown)
  }

  private func klines(
    _ scanner: inout JSONScanner, _ symbol: Symbol, _ time: Timestamp
  ) throws(VenueError) -> [VenueMessage] {
    var klines: [VenueMessage] = []
    try scanner.array { scanner, _ throws(VenueError) in
      let (candle, isClosed) = try BybitCandleFields.read(&scanner)
      klines.append(.kline(symbol, Kline(candle: candle, isClosed: isClosed, time: time)))
    }
    return klines
  }

  private func trades(_ scanner: inout JSONScanner) throws(VenueError) -> [VenueMessage] {
    var trades: [VenueMessage] = []
    try scanner.array { scanner, _ throws(VenueError) in
      guard let (symbol, trade) = try BybitTradeFields.read(&scanner) else { return }
      trades.append(.trade(symbol, trade))
    }
    return trades
  }

  /// The book of depth one is a quote; without one of the sides there is none.
  private func book(_ scanner: inout JSONScanner, _ symbol: Symbol, isTop: Bool) throws(VenueError) -> [VenueMessage] {
    var id: Int64?
    var (bids, asks): ([BookUpdate.Level]?, [BookUpdate.Level]?)
    try scanner.object { scanner, key throws(VenueError) in
      switch key {
      case "u": id = try scanner.id("u")
      case "b": bids = try scanner.levels()
      case "a": asks = try scanner.levels()
      default: try scanner.skip()
      }
    }
    guard let id, let bids, let asks else { throw scanner.malformed("a book with a part missing") }
    let time = matchingTime ?? self.time
    guard isTop else {
      return [
        .book(
          symbol,
          BookUpdate(isSnapshot: isSnapshot, firstId: id, lastId: id, time: time, bids: bids, asks: asks))
      ]
    }
    guard let bid = bids.first, let ask = asks.first else { return [] }
    return [
      .quote(
        symbol,
        Quote(
          updateId: id, time: time, bidPrice: bid.price, bidQuantity: bid.quantity, askPrice: ask.price,
          askQuantity: ask.quantity))
    ]
  }
}
