import Market
internal import Redis

/// A market as requests told it, on its way; its candles and trades are rows of numbers, since there are many.
struct SnapshotEvent: Hashable, Sendable {
  private static let numbersOfATrade = 6
  private static let numbersOfACandle = 10

  var series: Series
  var snapshot: MarketSnapshot
  /// To the millisecond.
  var ingestTime: Timestamp
}

extension SnapshotEvent: StreamEventBody {
  static let messageType = "snapshot"

  var id: String { "snapshot/\(series)/\(ingestTime.milliseconds)" }
  var key: String { series.symbol.name }

  func write(to text: inout JSONText) {
    text.add("symbol", series.symbol.name)
    text.add("venue", series.venue.name)
    text.add("candles", elements: snapshot.candles.flatMap(Self.numbers))
    text.add("trades", elements: snapshot.trades.flatMap(Self.numbers))
    text.add("trades_from", snapshot.tradesFrom.map { max($0, Timestamp(microseconds: 0)).microseconds })
    text.add("quotes", elements: snapshot.quote.map(Self.numbers) ?? [])
    text.add("ingest_ts", ingestTime.milliseconds)
  }

  init(_ members: JSONMembers) throws(JSONMembersError) {
    series = try members.series()
    ingestTime = try members.milliseconds("ingest_ts")
    snapshot = MarketSnapshot()
    snapshot.tradesFrom = try members.integer("trades_from") == nil ? nil : try members.microseconds("trades_from")
    for row in try Rows("candles", members, width: Self.numbersOfACandle).all {
      snapshot.candles.append(try Self.candle(row))
    }
    for row in try Rows("trades", members, width: Self.numbersOfATrade).all {
      snapshot.trades.append(try Self.trade(row))
    }
    snapshot.quote = try Rows("quotes", members, width: Self.numbersOfATrade).all.first.map(Self.quote)
  }

  // MARK: Rows

  private static func numbers(_ candle: Candle) -> [String] {
    let prices = [candle.open, candle.high, candle.low, candle.close].map(\.numberText)
    let amounts = [candle.volume, candle.quoteVolume, candle.takerBuyBase, candle.takerBuyQuote]
    return ["\(candle.openTime.microseconds)"] + prices + amounts.map { $0?.numberText ?? "null" }
      + [candle.trades.map { "\($0)" } ?? "null"]
  }

  private static func candle(_ row: Row) throws(JSONMembersError) -> Candle {
    var candle = Candle(
      openTime: try row.time(0), open: try row.amount(1), high: try row.amount(2), low: try row.amount(3),
      close: try row.amount(4))
    candle.volume = try row.amountIfKnown(5)
    candle.quoteVolume = try row.amountIfKnown(6)
    candle.takerBuyBase = try row.amountIfKnown(7)
    candle.takerBuyQuote = try row.amountIfKnown(8)
    candle.trades = try row.integerIfKnown(9)
    guard candle.violation == nil else { throw row.wrong }
    return candle
  }

  private static func numbers(_ trade: Trade) -> [String] {
    [
      "\(trade.id)", "\(trade.time.microseconds)", trade.price.numberText, trade.quantity.numberText,
      trade.isTakerBuyer ? "1" : "0", "\(trade.count)",
    ]
  }

  private static func trade(_ row: Row) throws(JSONMembersError) -> Trade {
    let trade = Trade(
      id: try row.integer(0), time: try row.time(1), price: try row.amount(2), quantity: try row.amount(3),
      isTakerBuyer: try row.integer(4) == 1, count: try row.integer(5))
    guard trade.price.units > 0, trade.count > 0 else { throw row.wrong }
    return trade
  }

  private static func numbers(_ quote: Quote) -> [String] {
    [
      quote.updateId.map { "\($0)" } ?? "null", quote.time.map { "\($0.microseconds)" } ?? "null",
      quote.bidPrice.numberText, quote.bidQuantity.numberText, quote.askPrice.numberText,
      quote.askQuantity.numberText,
    ]
  }

  private static func quote(_ row: Row) throws(JSONMembersError) -> Quote {
    Quote(
      updateId: try row.integerIfKnown(0), time: try row.integerIfKnown(1) == nil ? nil : try row.time(1),
      bidPrice: try row.amount(2), bidQuantity: try row.amount(3), askPrice: try row.amount(4),
      askQuantity: try row.amount(5))
  }
}

/// An array that is read as rows of so many numbers.
private struct Rows {
  let all: [Row]

  init(_ name: StaticString, _ members: JSONMembers, width: Int) throws(JSONMembersError) {
    let elements = try members.required(name, try members.array(name))
    guard elements.count.isMultiple(of: width) else { throw members.wrong(name) }
    all = stride(from: 0, to: elements.count, by: width).map { start in
      Row(elements: elements[start..<start + width], wrong: members.wrong(name))
    }
  }
}

private struct Row {
  /// The years 1970 to 9999.
  private static let times: ClosedRange<Int64> = 0...253_402_300_799_999_999

  let elements: ArraySlice<JSONMembers.Value?>
  let wrong: JSONMembersError

  private func text(_ place: Int) throws(JSONMembersError) -> String? {
    switch elements[elements.startIndex + place] {
    case nil: return nil
    case .number(let text): return text
    default: throw wrong
    }
  }

  func integerIfKnown(_ place: Int) throws(JSONMembersError) -> Int64? {
    guard let text = try text(place) else { return nil }
    guard let value = Int64(text) else { throw wrong }
    return value
  }

  func integer(_ place: Int) throws(JSONMembersError) -> Int64 {
    guard let value = try integerIfKnown(place) else { throw wrong }
    return value
  }

  func time(_ place: Int) throws(JSONMembersError) -> Timestamp {
    let value = try integer(place)
    guard Self.times.contains(value) else { throw wrong }
    return Timestamp(microseconds: value)
  }

  func amountIfKnown(_ place: Int) throws(JSONMembersError) -> Decimal8? {
    guard let text = try text(place) else { return nil }
    guard let value = Decimal8(text), value.units >= 0 else { throw wrong }
    return value
  }

  func amount(_ place: Int) throws(JSONMembersError) -> Decimal8 {
    guard let value = try amountIfKnown(place) else { throw wrong }
    return value
  }
}
