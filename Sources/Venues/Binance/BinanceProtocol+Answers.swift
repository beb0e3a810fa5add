package import Market

extension BinanceProtocol {
  package func ping(in answer: VenueAnswer) throws(VenueError) {
    try scan(answer) { scanner throws(VenueError) in
      guard scanner.peek() == .object else { throw scanner.malformed("an object is expected") }
      try scanner.skip()
    }
  }

  package func time(in answer: VenueAnswer) throws(VenueError) -> Timestamp {
    try scan(answer) { scanner throws(VenueError) in
      var time: Timestamp?
      try scanner.object { scanner, key throws(VenueError) in
        if case "serverTime" = key { time = try scanner.time("serverTime") } else { try scanner.skip() }
      }
      guard let time else { throw scanner.malformed("no serverTime") }
      return time
    }
  }

  package func exchangeInfo(in answer: VenueAnswer) throws(VenueError) -> BinanceExchangeInfo {
    try scan(answer) { scanner throws(VenueError) in try BinanceExchangeInfo(&scanner) }
  }

  package func limits(in answer: VenueAnswer) throws(VenueError) -> Int {
    guard let weight = try exchangeInfo(in: answer).weightPerMinute else {
      throw .malformed(offset: 0, reason: "no limit of weight per minute among rateLimits")
    }
    return weight
  }

  package func candles(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Candle] {
    try scan(answer) { scanner throws(VenueError) in
      var candles: [Candle] = []
      try scanner.array { scanner, _ throws(VenueError) in
        let candle = try BinanceCandleFields.row(&scanner)
        if let last = candles.last, last.openTime >= candle.openTime {
          throw .badValue(field: "open time", value: "\(candle.openTime)", reason: "not after \(last.openTime)")
        }
        candles.append(candle)
      }
      return candles
    }
  }

  package func trades(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> [Trade] {
    try scan(answer) { scanner throws(VenueError) in
      var trades: [Trade] = []
      try scanner.array { scanner, _ throws(VenueError) in
        var fields = BinanceTradeFields()
        try scanner.object { scanner, key throws(VenueError) in try fields.read(key, &scanner, .aggregated) }
        let trade = try fields.trade(before: scanner)
        if let last = trades.last, last.id >= trade.id {
          throw .badValue(field: "trade id", value: "\(trade.id)", reason: "not above \(last.id)")
        }
        trades.append(trade)
      }
      return trades
    }
  }

  package func book(in answer: VenueAnswer) throws(VenueError) -> BookUpdate {
    try scan(answer) { scanner throws(VenueError) in try BinanceFrame.book(&scanner) }
  }

  package func prices(in answer: VenueAnswer) throws(VenueError) -> [Symbol: Decimal8] {
    try table(answer) { scanner throws(VenueError) in
      var symbol: Symbol?
      var price: Decimal8?
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "symbol": symbol = try scanner.symbolIfNamed()
        case "price": price = try scanner.amount("price")
        default: try scanner.skip()
        }
      }
      guard let price else { throw scanner.malformed("no price") }
      // A symbol that never traded has no price; Binance prints zero.
      guard let symbol, price.units > 0 else { return nil }
      return (symbol, price)
    }
  }

  package func quote(_ symbol: Symbol, in answer: VenueAnswer) throws(VenueError) -> Quote? {
    try quotes(in: answer)[symbol]
  }

  package func quotes(in answer: VenueAnswer) throws(VenueError) -> [Symbol: Quote] {
    try table(answer) { scanner throws(VenueError) in
      var symbol: Symbol?
      var (bid, bidQuantity, ask, askQuantity): (Decimal8?, Decimal8?, Decimal8?, Decimal8?)
      try scanner.object { scanner, key throws(VenueError) in
        switch key {
        case "symbol": symbol = try scanner.symbolIfNamed()
        case "bidPrice": bid = try scanner.amount("bidPrice")
        case "bidQty": bidQuantity = try scanner.amount("bidQty")
        case "askPrice": ask = try scanner.amount("askPrice")
        case "askQty": askQuantity = try scanner.amount("askQty")
        default: try scanner.skip()
        }
      }
      guard let bid, let bidQuantity, let ask, let askQuantity else {
        throw scanner.malformed("a best bid and ask with a part missing")
      }
      // A symbol without orders on a side has no quote; Binance prints a price of zero.
      guard let symbol, bid.units > 0, ask.units > 0 else { return nil }
      return (symbol, Quote(bidPrice: bid, bidQuantity: bidQuantity, askPrice: ask, askQuantity: askQuantity))
    }
  }

  package func days(in answer: VenueAnswer) throws(VenueError) -> [Symbol: BinanceDay] {
    try table(answer) { scanner throws(VenueError) in try BinanceDay.read(&scanner) }
  }

  package func usage(in answer: VenueAnswer) -> LimitUsage {
    LimitUsage(
      usedWeightPerMinute: answer.count(in: "X-MBX-USED-WEIGHT-1M"), retryAfterSeconds: answer.count(in: "Retry-After"))
  }

  // MARK: Bodies

  /// Reads all of the body of a good answer; another is an error with the venue's reason.
  private func scan<Value>(
    _ answer: VenueAnswer, _ read: (inout JSONScanner) throws(VenueError) -> Value
  ) throws(VenueError) -> Value {
    guard answer.status == 200 else {
      throw BinanceRefusal(body: answer.body)
        .error(status: answer.status, retryAfterSeconds: answer.count(in: "Retry-After"))
    }
    return try answer.body.withUnsafeBufferPointer { bytes throws(VenueError) in
      var scanner = JSONScanner(bytes)
      let value = try read(&scanner)
      try scanner.end()
      return value
    }
  }

  /// One object or an array of them; entries without a usable symbol are passed over.
  private func table<Value>(
    _ answer: VenueAnswer, _ entry: (inout JSONScanner) throws(VenueError) -> (Symbol, Value)?
  ) throws(VenueError) -> [Symbol: Value] {
    try scan(answer) { scanner throws(VenueError) in
      var values: [Symbol: Value] = [:]
      guard scanner.peek() == .array else {
        if let (symbol, value) = try entry(&scanner) { values[symbol] = value }
        return values
      }
      try scanner.array { scanner, _ throws(VenueError) in
        if let (symbol, value) = try entry(&scanner) { values[symbol] = value }
      }
      return values
    }
  }
}

extension VenueAnswer {
  /// A whole number that is not negative, as hostile as the rest of an answer.
  fileprivate func count(in name: String) -> Int? {
    guard let count = header(name).flatMap({ Int($0) }), (0...1_000_000_000).contains(count) else { return nil }
    return count
  }
}
