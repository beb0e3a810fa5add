import Market
import TestSupport
import Testing
import Venues

@testable import VenueSimulator

/// A simulated market of one random walk, and what a client needs to look at it in virtual time.
struct Stage {
  static let symbol = Symbol("BTCUSDT")!
  /// The split is on a whole hour.
  static let split = Timestamp(minute: RandomWalk.firstMinute + 600)

  let candles: [Candle]
  let market: SimulatedMarket
  var venues: VenueSet

  init(
    seed: UInt64 = 1, minutes: Int = 660, streamed: Int64 = 60, faults: [Fault] = [],
    edit: (inout [Candle]) -> Void = { _ in }
  ) throws {
    var candles = RandomWalk()(seed: seed, count: minutes).map { candle in
      // The walk's amounts are of one price, which its own range may not allow.
      var candle = candle
      (candle.quoteVolume, candle.takerBuyQuote) = (nil, nil)
      return candle
    }
    edit(&candles)
    self.candles = candles
    market = try SimulatedMarket(
      [Self.symbol: candles], .init(streamedMicroseconds: streamed * Timestamp.microsecondsPerMinute, seed: seed))
    venues = VenueSet(market, faults: FaultPlan(faults, start: market.split), seed: seed)
  }

  func index(_ venue: String) -> Int { venues.venues.firstIndex { $0.name == venue }! }

  mutating func answer(_ venue: String, _ request: VenueRequest, at now: Timestamp? = nil) -> SimulatedAnswer {
    venues[index(venue)].answer(request, at: now ?? market.split)
  }

  mutating func get(_ venue: String, _ path: String, at now: Timestamp? = nil) -> SimulatedAnswer {
    answer(venue, VenueRequest(.get, path), at: now)
  }

  func truth(_ venue: String = "binance", at now: Timestamp? = nil) -> [Candle] {
    venues.venue(venue)!.truth(of: Self.symbol, at: now ?? market.end)
  }

  /// Opens what a client's plan says, and returns all that comes until the end of the data.
  mutating func play(
    _ venue: String, _ plans: [SocketPlan], from start: Timestamp? = nil, to end: Timestamp? = nil
  ) throws -> [SimulatedOutput] {
    let index = index(venue)
    let start = start ?? market.split
    for (id, plan) in plans.enumerated() {
      #expect(venues[index].open(id + 1, path: plan.path, headers: plan.headers, at: start) == .accepted)
      for text in plan.greetings { venues[index].receive(Array(text.utf8), from: id + 1, at: start) }
    }
    return venues[index].advance(to: end ?? market.end.adding(microseconds: 5_000_000))
  }
}

extension [SimulatedOutput] {
  /// What a client's decoder makes of the frames; nothing may be refused.
  func messages(_ feed: some FeedProtocol) throws -> [VenueMessage] {
    var messages: [VenueMessage] = []
    for case .frame(_, _, let bytes, let isBinary) in self {
      try bytes.withUnsafeBufferPointer { try feed.decode($0, isBinary: isBinary) { messages.append($0) } }
    }
    return messages
  }

  var texts: [String] {
    compactMap { output in
      guard case .frame(_, _, let bytes, _) = output else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  var closings: [UInt16?] {
    compactMap { output in
      guard case .close(_, _, let code) = output else { return nil }
      return .some(code)
    }
  }
}

extension [VenueMessage] {
  var trades: [Trade] {
    compactMap { if case .trade(_, let trade) = $0 { trade } else { nil } }
  }

  var closedCandles: [Candle] {
    compactMap { if case .kline(_, let kline) = $0, kline.isClosed { kline.candle } else { nil } }
  }

  var ticks: [OracleTick] {
    compactMap { if case .oracle(let tick) = $0 { tick } else { nil } }
  }
}

/// Minutes made of trades, with every column.
func candles(of trades: [Trade]) -> [Candle] {
  var candles: [Candle] = []
  var sums = (quote: Int128(0), boughtQuote: Int128(0))
  for trade in trades {
    let open = Timestamp(minute: trade.time.minute)
    if candles.last?.openTime != open {
      sums = (0, 0)
      candles.append(
        Candle(
          openTime: open, open: trade.price, high: trade.price, low: trade.price, close: trade.price, volume: .zero,
          quoteVolume: .zero, trades: 0, takerBuyBase: .zero, takerBuyQuote: .zero))
    }
    var candle = candles.removeLast()
    candle.high = max(candle.high, trade.price)
    candle.low = min(candle.low, trade.price)
    candle.close = trade.price
    candle.trades! += trade.count
    let amount = trade.price.units * trade.quantity.units
    sums.quote += amount
    candle.volume = Decimal8(units: candle.volume!.units + trade.quantity.units)
    candle.quoteVolume = Decimal8(units: (sums.quote + 50_000_000) / 100_000_000)
    if trade.isTakerBuyer {
      sums.boughtQuote += amount
      candle.takerBuyBase = Decimal8(units: candle.takerBuyBase!.units + trade.quantity.units)
      candle.takerBuyQuote = Decimal8(units: (sums.boughtQuote + 50_000_000) / 100_000_000)
    }
    candles.append(candle)
  }
  return candles
}

extension Candle {
  /// Prices and volume only.
  var bare: Candle {
    Candle(openTime: openTime, open: open, high: high, low: low, close: close, volume: volume)
  }
}
