import Dispatch
import Market
import Synchronization
import TestSupport
import Testing

@testable import VenueSimulator

/// A simulated market, and what is true of it at any instant, reckoned from its minutes and their trades alone.
struct ClientStage {
  static let symbol = Symbol("BTCUSDT")!
  private static let speed = 60.0

  let market: SimulatedMarket
  private let venues: VenueSet
  /// When the venue that stands still stands: amid a minute.
  let still: Timestamp
  /// Closed minutes, to the end of the data.
  private let candles: [Candle]
  /// Of the last minutes of the past, and of the stream.
  private let aggregates: [AggregateTrade]
  private let trades: [Trade]

  init(seed: UInt64) throws {
    let candles = RandomWalk()(seed: seed, count: 1800).map { candle in
      // The walk's amounts are of one price, which its own range may not allow.
      var candle = candle
      (candle.quoteVolume, candle.takerBuyQuote) = (nil, nil)
      candle.trades = candle.trades.map { $0 / 5 }
      return candle
    }
    market = try SimulatedMarket(
      [Self.symbol: candles], .init(streamedMicroseconds: 60 * Timestamp.microsecondsPerMinute, seed: seed))
    venues = VenueSet(market, faults: FaultPlan([], start: market.split), seed: seed)
    still = market.split.adding(microseconds: 10 * Timestamp.microsecondsPerMinute + 37_250_000)
    var venue = try #require(venues.venue("binance"))
    self.candles = venue.truth(of: Self.symbol, at: market.end)
    let split = market.split
    let minutes = (-20..<60).compactMap { venue.synthesised(Self.symbol, minute: split.adding(minutes: $0)) }
    aggregates = minutes.flatMap(\.aggregates)
    trades = minutes.flatMap(\.trades)
  }

  func venue(_ name: String) -> SimulatedVenue? { venues.venue(name) }

  // MARK: Serving

  /// What a client library sees of a venue.
  func look(with client: String, at venue: String) async throws -> ClientReport {
    // A clock can not stand, but it can take ages for a microsecond.
    try await serve(from: still, speed: 1e-9) { still in
      try await serve(from: market.split, speed: Self.speed) { running in
        try await ClientReport.made(by: client, still: "\(still)/\(venue)", running: "\(running)/\(venue)")
      }
    }
  }

  private func serve<Value: Sendable>(
    from start: Timestamp, speed: Double, _ body: (String) async throws -> Value
  ) async throws -> Value {
    let server = try SimulatorServer(venues, market, clock: VirtualClock(start: start, speed: speed))
    let isOver = Switch()
    async let play: Void = onOwnThread { server.run(shouldStop: { isOver.isOn }) }
    let result: Result<Value, any Error>
    do {
      result = .success(try await body("http://127.0.0.1:\(server.port)"))
    } catch {
      result = .failure(error)
    }
    isOver.turnOn()
    try await play
    await server.stop()
    return try result.get()
  }

  // MARK: Candles

  enum Columns { case prices, all }

  /// Minutes as far as they have come at `now`.
  private func minutes(at now: Timestamp) -> [Candle] {
    var minutes = Array(candles.prefix { $0.closeTime <= now })
    let open = Timestamp(minute: now.minute)
    guard let first = trades.first(where: { $0.time >= open }), first.time <= now else { return minutes }
    var candle = Candle(openTime: open, open: first.price, high: first.price, low: first.price, close: first.price)
    var (quote, boughtQuote) = (Int128(0), Int128(0))
    var (volume, bought, count) = (Int128(0), Int128(0), Int64(0))
    for trade in trades where trade.time >= open && trade.time <= now {
      (candle.high, candle.low, candle.close) =
        (max(candle.high, trade.price), min(candle.low, trade.price), trade.price)
      let amount = trade.price.units * trade.quantity.units
      (volume, quote, count) = (volume + trade.quantity.units, quote + amount, count + 1)
      if trade.isTakerBuyer { (bought, boughtQuote) = (bought + trade.quantity.units, boughtQuote + amount) }
    }
    (candle.volume, candle.takerBuyBase) = (Decimal8(units: volume), Decimal8(units: bought))
    candle.quoteVolume = Decimal8(units: (quote + 50_000_000) / 100_000_000)
    candle.takerBuyQuote = Decimal8(units: (boughtQuote + 50_000_000) / 100_000_000)
    candle.trades = count
    minutes.append(candle)
    return minutes
  }

  private func hours(of minutes: [Candle]) -> [Candle] {
    var hours: [Candle] = []
    for minute in minutes {
      let start = Timestamp(minute: minute.openTime.minute / 60 * 60)
      if hours.last?.openTime == start {
        hours[hours.count - 1].append(minute)
      } else {
        var hour = minute
        hour.openTime = start
        hours.append(hour)
      }
    }
    return hours
  }

  func expectCandles(_ seen: ClientReport, columns: Columns) {
    let minutes = minutes(at: still)
    #expect(seen.minutes == minutes.suffix(100).map { $0.row(columns) })
    #expect(seen.hours == hours(of: minutes).suffix(5).map { $0.row(columns) })
    let first = Int64(seen.earlier.first?.first ?? 0)
    let earlier = minutes.filter { $0.openTime.milliseconds >= first }.prefix(seen.earlier.count)
    #expect(seen.earlier.count >= 60)
    #expect(seen.earlier == earlier.map { $0.row(columns) })
  }

  // MARK: Trades

  func expectTrades(_ seen: [ClientReport.Trade], count: Int) {
    #expect(seen == trades.filter { $0.time <= still }.suffix(count).map { ClientReport.Trade($0) })
  }

  /// - Parameter count: `nil` if it is not known how many were asked for.
  func expectAggregates(_ seen: [ClientReport.Trade], count: Int?) {
    let past = aggregates.filter { $0.time <= still }
    #expect(seen == past.suffix(count ?? seen.count).map { ClientReport.Trade($0) })
    #expect(seen.count >= 50)
  }

  // MARK: Books

  enum Books {
    case byId(levels: Int)
    /// Of the message, which says how the book stood then.
    case byTime(levels: Int)
  }

  func expectStill(_ seen: ClientReport.Book, levels: Int) { expect(seen, after: last(at: still), levels: levels) }

  private func last(at time: Timestamp) -> AggregateTrade? { aggregates.last { $0.time <= time } }

  private func expect(
    _ seen: ClientReport.Book, after aggregate: AggregateTrade?, levels: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard let aggregate else {
      Issue.record("no trade led to the book \(seen)", sourceLocation: sourceLocation)
      return
    }
    let data = market.series[0]
    let book = SimulatedBook(after: aggregate, grid: data.grid, seed: data.seed)
    #expect(seen.bids == book.bids.prefix(levels).map(\.row), sourceLocation: sourceLocation)
    #expect(seen.asks == book.asks.prefix(levels).map(\.row), sourceLocation: sourceLocation)
  }

  private func expect(_ books: [ClientReport.Book], _ kind: Books) {
    #expect(books.count >= 10)
    for book in books {
      switch kind {
      case .byId(let levels):
        let last = aggregates.first { SimulatedBook.updateId(after: $0) == book.id }
        expect(book, after: last, levels: levels)
      case .byTime(let levels):
        expect(book, after: book.time.flatMap { last(at: Timestamp(milliseconds: $0)) }, levels: levels)
      }
    }
  }

  /// Books of one level: by their id, and by their time where they have none.
  func expectQuotes(_ quotes: [ClientReport.Book]) {
    expect(quotes, quotes.first?.id == nil ? .byTime(levels: 1) : .byId(levels: 1))
  }

  // MARK: Tickers

  func expect(
    _ seen: ClientReport.Ticker, at now: Timestamp, without absent: [KeyPath<ClientReport.Ticker, Double?>],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let minutes = minutes(at: now)
    let from = Timestamp(minute: now.minute + 1).adding(minutes: -1440)
    let day = minutes.drop { $0.openTime < from }
    guard var bar = day.first, let last = last(at: now) else {
      Issue.record("no day before \(now)", sourceLocation: sourceLocation)
      return
    }
    for minute in day.dropFirst() { bar.append(minute) }
    let ask = last.price.units + (last.isTakerBuyer ? 0 : Int128(market.series[0].grid.tick))
    let bid = ask - Int128(market.series[0].grid.tick)
    let truth: [(name: String, path: KeyPath<ClientReport.Ticker, Double?>, value: Decimal8?)] = [
      ("last", \.last, bar.close), ("open", \.open, bar.open), ("high", \.high, bar.high), ("low", \.low, bar.low),
      ("bid", \.bid, Decimal8(units: bid)), ("ask", \.ask, Decimal8(units: ask)),
      ("baseVolume", \.baseVolume, bar.volume), ("quoteVolume", \.quoteVolume, bar.quoteVolume),
    ]
    for (name, path, value) in truth {
      let expected = absent.contains(path) ? nil : value?.nearest
      #expect(seen[keyPath: path] == expected, "\(name) at \(now)", sourceLocation: sourceLocation)
    }
  }

  // MARK: Streams

  /// - Parameters:
  ///   - columns: of the candles; `nil` if the venue streams none.
  ///   - isTickerOfTrade: it bears the time of its trade, without the microseconds.
  func expectStream(
    _ seen: ClientReport.Stream, columns: Columns?, books: Books,
    tickersWithout absent: [KeyPath<ClientReport.Ticker, Double?>], isTickerOfTrade: Bool = false
  ) {
    guard let first = seen.trades.first?.id else {
      Issue.record("no trades came")
      return
    }
    // None is missing, from the first one that came to the last.
    #expect(seen.trades == trades.drop { $0.id < first }.prefix(seen.trades.count).map { ClientReport.Trade($0) })
    #expect(Set(seen.trades.map { $0.time / 60_000 }).count >= 4)
    if let columns {
      // The last one may still grow.
      let closed = seen.minutes.dropLast()
      let start = Timestamp(milliseconds: Int64(closed.first?.first ?? 0))
      let truth = candles.drop { $0.openTime < start }.prefix(closed.count)
      #expect(closed.count >= 2)
      #expect(Array(closed) == truth.map { $0.row(columns) })
    }
    expect(seen.books, books)
    #expect(!seen.tickers.isEmpty)
    for ticker in seen.tickers {
      let time = Timestamp(milliseconds: ticker.time ?? 0)
      expect(ticker, at: time.adding(microseconds: isTickerOfTrade ? 999 : 0), without: absent)
    }
  }
}

extension Candle {
  fileprivate func row(_ columns: ClientStage.Columns) -> [Double] {
    let prices = [Double(openTime.milliseconds)] + [open, high, low, close, volume ?? .zero].map(\.nearest)
    guard columns == .all else { return prices }
    return prices + [
      (quoteVolume ?? .zero).nearest, Double(trades ?? 0), (takerBuyBase ?? .zero).nearest,
      (takerBuyQuote ?? .zero).nearest,
    ]
  }

  /// The next minute as a part of the same bar.
  fileprivate mutating func append(_ next: Candle) {
    func sum(_ column: KeyPath<Candle, Decimal8?>) -> Decimal8? {
      Decimal8(units: (self[keyPath: column]?.units ?? 0) + (next[keyPath: column]?.units ?? 0))
    }
    (high, low, close) = (max(high, next.high), min(low, next.low), next.close)
    (volume, quoteVolume) = (sum(\.volume), sum(\.quoteVolume))
    (takerBuyBase, takerBuyQuote) = (sum(\.takerBuyBase), sum(\.takerBuyQuote))
    trades = (trades ?? 0) + (next.trades ?? 0)
  }
}

extension BookUpdate.Level {
  fileprivate var row: [Double] { [price.nearest, quantity.nearest] }
}

extension Decimal8 {
  /// What a reader of the decimal text has.
  fileprivate var nearest: Double { Double(description) ?? .nan }
}

extension ClientReport.Trade {
  fileprivate init(_ trade: Trade) {
    self.init(
      id: trade.id, time: trade.time.milliseconds, price: trade.price.nearest, quantity: trade.quantity.nearest,
      side: trade.isTakerBuyer ? "buy" : "sell")
  }

  fileprivate init(_ trade: AggregateTrade) {
    self.init(
      id: trade.id, time: trade.time.milliseconds, price: trade.price.nearest, quantity: trade.quantity.nearest,
      side: trade.isTakerBuyer ? "buy" : "sell")
  }
}

// MARK: -

private final class Switch: Sendable {
  private let value = Atomic(false)
  var isOn: Bool { value.load(ordering: .relaxed) }
  func turnOn() { value.store(true, ordering: .relaxed) }
}

/// What blocks must not hold one of Swift's own threads, of which there are few.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue(label: "client tests").async { continuation.resume(with: Result(catching: body)) }
  }
}
