import Market
import Venues

/// One request to Binance's REST interface.
struct BinanceRest {
  let query: Query
  let isInMicroseconds: Bool
  let flavour: BinanceDialect.Flavour
  let weightLimit: Int
  let now: Timestamp

  mutating func body(_ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    switch query.path.dropFirst("/api/v3/".count) {
    case "ping":
      try allow([])
      return "{}"
    case "time":
      try allow([])
      return #"{"serverTime":\#(time(reader.stamp(now)))}"#
    case "exchangeInfo": return try exchangeInfo(reader)
    case "klines", "uiKlines": return try klines(&reader)
    case "aggTrades": return try aggTrades(&reader)
    case "trades":
      try allow(["symbol", "limit"])
      let trades = reader.newestTrades(try series(reader), limit: try limit(500, max: 1000), at: now)
      return .array(trades.map(row))
    case "historicalTrades":
      try allow(["symbol", "limit", "fromId"])
      return try historicalTrades(&reader)
    case "depth": return try depth(&reader)
    case "avgPrice": return try averagePrice(&reader)
    case "ticker/price": return try each(&reader, price)
    case "ticker/bookTicker": return try each(&reader, bookTicker)
    case "ticker/24hr": return try each(&reader, dayTicker)
    default: throw BinanceRefusal(code: -1000, message: "An unknown error occurred while processing the request.")
    }
  }

  // MARK: Parameters

  private func time(_ time: Timestamp) -> Int64 { time.count(inMicroseconds: isInMicroseconds) }

  private func allow(_ names: [String]) throws(BinanceRefusal) {
    let read = query.names.count { names.contains($0) }
    guard read == query.names.count else { throw .unread(read: read, sent: query.names.count) }
  }

  private func series(_ reader: MarketReader) throws(BinanceRefusal) -> Int {
    guard let name = query["symbol"], !name.isEmpty else { throw .missing("symbol") }
    guard let series = reader.series(name) else { throw .badSymbol }
    return series
  }

  private func number(_ name: String) throws(BinanceRefusal) -> Int64? {
    guard let text = query[name] else { return nil }
    guard !text.isEmpty, text.utf8.count <= 20, text.utf8.allSatisfy(\.isDigit) else { throw .illegal(name) }
    guard let value = Int64(text) else { throw .bad(name) }
    return value
  }

  /// 2200-01-01 in microseconds.
  private static let latest: Int64 = 7_258_118_400_000_000

  /// Milliseconds or microseconds, told by magnitude; what is beyond 2200 is 2200.
  private func instant(_ name: String) throws(BinanceRefusal) -> Timestamp? {
    guard let value = try number(name) else { return nil }
    if value >= 100_000_000_000_000 { return Timestamp(microseconds: min(value, Self.latest)) }
    return Timestamp(milliseconds: min(value, Self.latest / 1000))
  }

  /// The end of a range is the whole millisecond.
  private func lastInstant(_ name: String) throws(BinanceRefusal) -> Timestamp? {
    guard let value = try number(name), let time = try instant(name) else { return nil }
    return value >= 100_000_000_000_000 ? time : time.adding(microseconds: 999)
  }

  private func limit(_ usual: Int, max most: Int) throws(BinanceRefusal) -> Int {
    guard let value = try number("limit") else { return usual }
    guard value > 0 else { throw .bad("limit") }
    return Int(min(value, Int64(most)))
  }

  // MARK: Candles

  private func klines(_ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    try allow(["symbol", "interval", "startTime", "endTime", "timeZone", "limit"])
    let series = try series(reader)
    guard let name = query["interval"], !name.isEmpty else { throw .missing("interval") }
    guard let interval = CandleInterval(binance: name) else { throw .badInterval }
    let bars = reader.bars(
      series, interval, from: try instant("startTime"), through: try lastInstant("endTime"),
      limit: try limit(500, max: 1000), at: now)
    return .array(bars.map(row))
  }

  private func row(_ bar: Bar) -> JSONText {
    let candle = bar.candle
    let last = isInMicroseconds ? bar.end.microseconds - 1 : bar.end.milliseconds - 1
    return """
      [\(time(candle.openTime)),"\(candle.open)","\(candle.high)","\(candle.low)","\(candle.close)",\
      "\(candle.volume ?? .zero)",\(last),"\(candle.quoteVolume ?? .zero)",\(candle.trades ?? 0),\
      "\(candle.takerBuyBase ?? .zero)","\(candle.takerBuyQuote ?? .zero)","0"]
      """
  }

  // MARK: Trades

  private func aggTrades(_ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    try allow(["symbol", "fromId", "startTime", "endTime", "limit"])
    let series = try series(reader)
    let limit = try limit(500, max: 1000)
    let fromId = try number("fromId")
    let (from, through) = (try instant("startTime"), try lastInstant("endTime"))
    guard fromId == nil || (from == nil && through == nil) else { throw .badCombination }
    let data = reader.market.series[series]
    var found: [AggregateTrade]
    if let fromId {
      guard let index = data.index(ofAggregate: max(1, fromId)) else { return "[]" }
      found = reader.aggregates(series, fromMinute: index, limit: limit, at: now) { $0.id >= fromId }
    } else if let from {
      let end = through ?? .distantFuture
      let index = data.index(from: Timestamp(minute: from.minute))
      found = reader.aggregates(series, fromMinute: index, limit: limit, at: min(now, end)) {
        $0.time >= from && $0.time <= end
      }
    } else {
      guard let last = reader.last(series, at: min(now, through ?? now)) else { return "[]" }
      let first = max(1, last.id - Int64(limit) + 1)
      guard let index = data.index(ofAggregate: first) else { return "[]" }
      found = reader.aggregates(series, fromMinute: index, limit: limit, at: now) { $0.id >= first && $0.id <= last.id }
    }
    return .array(found.map(row))
  }

  private func row(_ trade: AggregateTrade) -> JSONText {
    """
    {"a":\(trade.id),"p":"\(trade.price)","q":"\(trade.quantity)","f":\(trade.firstTradeId),"l":\(trade.lastTradeId),\
    "T":\(time(trade.time)),"m":\(!trade.isTakerBuyer),"M":true}
    """
  }

  private func historicalTrades(_ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    let series = try series(reader)
    let limit = try limit(500, max: 1000)
    guard let fromId = try number("fromId") else {
      return .array(reader.newestTrades(series, limit: limit, at: now).map(row))
    }
    return .array(reader.trades(series, fromId: max(1, fromId), limit: limit, at: now).map(row))
  }

  private func row(_ trade: Trade) -> JSONText {
    """
    {"id":\(trade.id),"price":"\(trade.price)","qty":"\(trade.quantity)","quoteQty":"\(trade.quoteQuantity)",\
    "time":\(time(trade.time)),"isBuyerMaker":\(!trade.isTakerBuyer),"isBestMatch":true}
    """
  }

  // MARK: Book

  private func depth(_ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    try allow(["symbol", "limit", "symbolStatus"])
    let limit = try limit(100, max: 5000)
    guard let book = reader.book(try series(reader), at: now, depth: SimulatedBook.depth) else {
      return #"{"lastUpdateId":0,"bids":[],"asks":[]}"#
    }
    return """
      {"lastUpdateId":\(book.updateId),"bids":\(Self.levels(book.bids.prefix(limit))),\
      "asks":\(Self.levels(book.asks.prefix(limit)))}
      """
  }

  static func levels(_ levels: some Sequence<BookUpdate.Level>) -> JSONText {
    .array(levels.lazy.map { #"["\#($0.price)","\#($0.quantity)"]"# })
  }

  // MARK: Tickers

  /// One object for a symbol, an array for several or none.
  private func each(
    _ reader: inout MarketReader, _ body: (Int, inout MarketReader) throws(BinanceRefusal) -> JSONText
  ) throws(BinanceRefusal) -> JSONText {
    try allow(["symbol", "symbols", "type", "symbolStatus"])
    if query["symbol"] != nil { return try body(try series(reader), &reader) }
    var chosen = Array(reader.market.series.indices)
    if let list = query["symbols"] {
      guard let names = Self.names(in: list) else { throw .illegal("symbols") }
      chosen = []
      for name in names {
        guard let series = reader.series(name) else { throw .badSymbol }
        chosen.append(series)
      }
    }
    var items: [JSONText] = []
    for series in chosen { items.append(try body(series, &reader)) }
    return .array(items)
  }

  /// A JSON array of strings.
  private static func names(in text: String) -> [String]? {
    Array(text.utf8).scanned { scanner throws(VenueError) in
      var names: [String] = []
      try scanner.array { scanner, _ throws(VenueError) in names.append(try scanner.string()) }
      return names
    }
  }

  private func name(_ series: Int, _ reader: MarketReader) -> String { reader.market.series[series].symbol.name }

  private func price(_ series: Int, _ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    let price = reader.last(series, at: now)?.price ?? .zero
    return #"{"symbol":"\#(text: name(series, reader))","price":"\#(price)"}"#
  }

  private func bookTicker(_ series: Int, _ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    let quote = reader.book(series, at: now, depth: 1)?.quote
    return """
      {"symbol":"\(text: name(series, reader))","bidPrice":"\(quote?.bidPrice ?? .zero)",\
      "bidQty":"\(quote?.bidQuantity ?? .zero)","askPrice":"\(quote?.askPrice ?? .zero)",\
      "askQty":"\(quote?.askQuantity ?? .zero)"}
      """
  }

  private func averagePrice(_ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    try allow(["symbol"])
    let day = DayStatistics(try series(reader), minutes: 5, &reader, at: now)
    return #"{"mins":5,"price":"\#(day?.mean ?? .zero)","closeTime":\#(time(now))}"#
  }

  private func dayTicker(_ series: Int, _ reader: inout MarketReader) throws(BinanceRefusal) -> JSONText {
    guard let day = DayStatistics(series, minutes: 1440, &reader, at: now) else { throw .badSymbol }
    let bar = day.bar.candle
    let last = reader.last(series, at: now)
    let quote = reader.book(series, at: now, depth: 1)?.quote
    let name = name(series, reader)
    let times: JSONText = """
      "openTime":\(time(now.adding(microseconds: -Timestamp.microsecondsPerDay))),"closeTime":\(time(now)),\
      "firstId":\(day.bar.firstTradeId),"lastId":\(day.bar.lastTradeId),"count":\(bar.trades ?? 0)
      """
    let sums: JSONText = """
      "openPrice":"\(bar.open)","highPrice":"\(bar.high)","lowPrice":"\(bar.low)","volume":"\(bar.volume ?? .zero)",\
      "quoteVolume":"\(bar.quoteVolume ?? .zero)"
      """
    if query["type"] == "MINI" {
      return #"{"symbol":"\#(text: name)","lastPrice":"\#(bar.close)",\#(sums),\#(times)}"#
    }
    return """
      {"symbol":"\(text: name)","priceChange":"\(day.change)","priceChangePercent":"\(text: day.changePercent)",\
      "weightedAvgPrice":"\(day.mean)","prevClosePrice":"\(bar.open)","lastPrice":"\(bar.close)",\
      "lastQty":"\(last?.quantity ?? .zero)","bidPrice":"\(quote?.bidPrice ?? .zero)",\
      "bidQty":"\(quote?.bidQuantity ?? .zero)","askPrice":"\(quote?.askPrice ?? .zero)",\
      "askQty":"\(quote?.askQuantity ?? .zero)",\(sums),\(times)}
      """
  }

  // MARK: Exchange

  private func exchangeInfo(_ reader: MarketReader) throws(BinanceRefusal) -> JSONText {
    try allow(["symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"])
    var chosen = Array(reader.market.series.indices)
    if query["symbol"] != nil { chosen = [try series(reader)] }
    if let list = query["symbols"] {
      guard let names = Self.names(in: list) else { throw .illegal("symbols") }
      chosen = []
      for name in names {
        guard let series = reader.series(name) else { throw .badSymbol }
        chosen.append(series)
      }
    }
    let raw = flavour == .us ? 61_000 : 300_000
    return """
      {"timezone":"UTC","serverTime":\(time(reader.stamp(now))),"rateLimits":[\
      {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":\(weightLimit)},\
      {"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100},\
      {"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":200000},\
      {"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":5,"limit":\(raw)}],\
      "exchangeFilters":[],"symbols":\(.array(chosen.map { symbol(reader.market.series[$0]) }))}
      """
  }

  private func symbol(_ data: SimulatedSeries) -> JSONText {
    let pair = InstrumentPair(data.symbol)
    return """
      {"symbol":"\(text: data.symbol.name)","status":"TRADING","baseAsset":"\(text: pair.base)","baseAssetPrecision":8,\
      "quoteAsset":"\(text: pair.quote)","quotePrecision":8,"quoteAssetPrecision":8,"baseCommissionPrecision":8,\
      "quoteCommissionPrecision":8,"orderTypes":["LIMIT","LIMIT_MAKER","MARKET"],"icebergAllowed":true,\
      "ocoAllowed":true,"quoteOrderQtyMarketAllowed":true,"allowTrailingStop":true,"cancelReplaceAllowed":true,\
      "isSpotTradingAllowed":true,"isMarginTradingAllowed":false,"filters":[\
      {"filterType":"PRICE_FILTER","minPrice":"\(data.grid.price(1))","maxPrice":"10000000.00000000",\
      "tickSize":"\(data.grid.price(1))"},\
      {"filterType":"LOT_SIZE","minQty":"\(data.grid.quantity(1))","maxQty":"90000000.00000000",\
      "stepSize":"\(data.grid.quantity(1))"},\
      {"filterType":"NOTIONAL","minNotional":"5.00000000","applyMinToMarket":true,"maxNotional":"9000000.00000000",\
      "applyMaxToMarket":false,"avgPriceMins":5}],\
      "permissions":[],"permissionSets":[["SPOT"]],"defaultSelfTradePreventionMode":"EXPIRE_MAKER",\
      "allowedSelfTradePreventionModes":["EXPIRE_MAKER"]}
      """
  }
}

/// What was traded lately, the open minute included.
struct DayStatistics {
  let bar: Bar

  init?(_ series: Int, minutes: Int, _ reader: inout MarketReader, at now: Timestamp) {
    let open = Timestamp(minute: now.minute)
    var sum = reader.sum(series, open.adding(minutes: 1 - minutes)..<open, at: now)
    if let last = reader.bar(series, .minute, containing: now, at: now) {
      if sum == nil { sum = last } else { sum?.append(last.candle) }
    }
    guard let bar = sum ?? reader.bars(series, .minute, from: nil, through: now, limit: 1, at: now).first else {
      return nil
    }
    self.bar = bar
  }

  var change: Decimal8 { Decimal8(units: bar.candle.close.units - bar.candle.open.units) ?? .zero }

  /// Of the open, three fraction digits.
  var changePercent: String {
    let thousandths = change.units * 100_000 / max(1, bar.candle.open.units)
    let digits = String(thousandths.magnitude)
    let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return (thousandths < 0 ? "-" : "") + padded.dropLast(3) + "." + padded.suffix(3)
  }

  /// By volume; the last price if there was none.
  var mean: Decimal8 {
    guard let volume = bar.candle.volume, volume.units > 0, let quote = bar.candle.quoteVolume else {
      return bar.candle.close
    }
    return Decimal8(units: quote.units * Decimal8.scale / volume.units) ?? bar.candle.close
  }
}

extension Trade {
  /// Price times quantity to the nearest.
  var quoteQuantity: Decimal8 { Decimal8(units: (price.units * quantity.units + 50_000_000) / Decimal8.scale) ?? .zero }
}
