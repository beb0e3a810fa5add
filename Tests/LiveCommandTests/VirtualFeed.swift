import Ingestion
import Market
import Operations
import Storage
import Tape
import TestSupport
import Transport
import VenueSimulator
import Venues

@testable import candlecast

/// A live feed as a configuration plans it, against one simulated venue, without sockets and in virtual time.
struct VirtualFeed {
  private(set) var core: LiveCore
  private(set) var now: Timestamp
  private var venue: SimulatedVenue
  private var pending: [(time: Timestamp, input: LiveInput)] = []

  private(set) var requests: [(time: Timestamp, path: String)] = []
  private(set) var connects: [Timestamp] = []
  private(set) var notes: [LiveNote] = []
  private(set) var quality: [QualityEvent] = []
  private(set) var ledger: [LedgerRange] = []
  private(set) var candles: [LiveCandle] = []
  private(set) var marketData: [MarketDataRow] = []
  /// The most requests for the past that waited for their answers at once.
  private(set) var mostAtOnce = 0

  init(
    _ knobs: [String: String] = [:], at name: String = "binance", faults: [Fault] = [], startingLate minutes: Int = 0,
    ledger: [LedgerRange] = []
  ) throws {
    let market = try Recording.market()
    venue = VenueSet(market, faults: FaultPlan(faults, start: market.split), seed: 1).venue(name)!
    now = market.split.adding(minutes: minutes)
    let context = try Desk().context(knobs)
    let catalogue = VenueCatalogue(configuration: context.configuration)
    var plan = try LivePlanner(context: context, catalogue: catalogue, now: now).plan(
      [.klines, .trades, .quotes, .ticks], candlesPerRequest: "gaps.backfill_batch_size", from: nil)
    if let first = ledger.first { plan.feeds[0].series[0].firstMinute = first.range.lowerBound }
    plan.feeds[0].series[0].ledger = ledger
    core = LiveCore(plan, protocols: try plan.feeds.map { try catalogue.feed($0.interface, $0.venue) }, now: now)
    take(core.start())
  }

  var series: SeriesReport { core.report.feeds[0].series[0] }

  mutating func run(minutes: Int) {
    let end = now.adding(minutes: minutes)
    while now < end {
      now = now.adding(microseconds: 1_000_000)
      for output in venue.advance(to: now) { hear(output) }
      step(.tick)
    }
  }

  private mutating func hear(_ output: SimulatedOutput) {
    switch output {
    case .frame(let socket, _, let bytes, let isBinary):
      step(.frame(SocketID(feed: 0, number: socket), bytes, isBinary: isBinary))
    case .close(let socket, _, let code):
      step(.closed(SocketID(feed: 0, number: socket), code: code, reason: "\(code.map(String.init) ?? "no code")"))
    }
  }

  private mutating func step(_ input: LiveInput) {
    take(core.step(input, at: now))
    while let index = pending.firstIndex(where: { $0.time <= now }) {
      take(core.step(pending.remove(at: index).input, at: now))
    }
  }

  private mutating func take(_ output: LiveOutput) {
    notes += output.notes
    quality += output.batch.quality
    ledger += output.batch.ledger
    candles += output.batch.candles
    marketData += output.batch.marketData
    for action in output.actions { perform(action) }
    mostAtOnce = max(mostAtOnce, core.report.feeds[0].backfill.running)
  }

  private mutating func perform(_ action: LiveAction) {
    switch action {
    case .connect(let id, let plan):
      connects.append(now)
      let isOpen = venue.open(id.number, path: plan.path, headers: plan.headers, at: now) == .accepted
      pending.append((now, isOpen ? .opened(id) : .closed(id, reason: "refused")))
    case .send(let id, let texts):
      for text in texts { venue.receive(Array(text.utf8), from: id.number, at: now) }
    case .close(let id):
      venue.close(id.number)
      pending.append((now, .closed(id, reason: "closed")))
    case .request(let id, let request, _):
      requests.append((now, request.path))
      // A node's path is part of its address.
      let isNode = request.path.isEmpty
      let answer = venue.answer(
        isNode ? VenueRequest(request.method, "/rpc", headers: request.headers, body: request.body) : request, at: now)
      let arrival = now.adding(microseconds: answer.delayMicroseconds)
      pending.append((arrival, .answer(id, .answered(answer.plain))))
    }
  }
}

/// The minutes that simulators of these tests play.
enum Recording {
  /// With whole days in its history.
  static let pastMinutes = 5760
  static let streamedMinutes = 600
  static let symbols = [Symbol("BTCUSDT")!, Symbol("ETHUSDT")!]

  /// Few trades a minute, so that there is little to decode.
  static func market() throws -> SimulatedMarket { try made.get() }

  private static let made = Result { () throws -> SimulatedMarket in
    let recordings = symbols.enumerated().map { index, symbol in
      let candles = RandomWalk()(seed: UInt64(index), count: pastMinutes + streamedMinutes).map { candle in
        var candle = candle
        (candle.quoteVolume, candle.takerBuyQuote, candle.trades) = (nil, nil, candle.trades.map { 30 + $0 % 30 })
        return candle
      }
      return (symbol, candles)
    }
    return try SimulatedMarket(
      Dictionary(uniqueKeysWithValues: recordings),
      SimulatedMarket.Options(
        streamedMicroseconds: Int64(streamedMinutes) * Timestamp.microsecondsPerMinute, seed: 1))
  }
}
