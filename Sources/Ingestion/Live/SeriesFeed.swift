package import Market
import Storage
import Venues

/// One series of a venue: makes candles of what the stream says and keeps account of what is missing.
struct SeriesFeed: Sendable {
  let series: Series
  private let source: CandleSource
  private let numbersTrades: Bool
  private var klines = KlineCandles()
  private var trades = TradeCandles()
  private(set) var minutes: GapKeeper
  private(set) var tradeIds: TradeGaps
  private(set) var quality: QualityMonitor
  private var recent = RecentCandles()
  private var newest = (arrival: Timestamp.distantPast, openTime: Timestamp.distantPast)
  private var newestKline: (candle: Candle, isClosed: Bool)?
  private var book: OrderBook?
  /// A snapshot of the book has been asked for.
  var isWaitingForBook = false
  /// When the trade ids so far go into the ledger next.
  private var reachesAt = Timestamp.distantPast
  private(set) var counts = SeriesCounts()
  var ticks: TickFeed
  /// Why minutes were given up, the last time.
  private(set) var refusal: String?

  init(
    _ plan: SeriesPlan, of feed: FeedPlan, _ feedProtocol: any FeedProtocol, _ thresholds: LiveThresholds,
    now: Timestamp
  ) {
    let venue = feed.venue
    let requests = feedProtocol as? any VenueProtocol
    let book = feed.channels.contains(.books) ? requests?.bookNumbering : nil
    let source = feed.makesCandlesOfTrades ? CandleSource.trades : feedProtocol.candleSource
    numbersTrades = requests?.numbersTrades ?? false
    self.book = book.map { OrderBook($0, depthLimit: Self.bookDepth) }
    series = Series(venue, plan.symbol)
    ticks = TickFeed(series, numbersTrades: requests?.numbersTrades ?? false, now: now)
    self.source = source
    minutes = GapKeeper(
      series, first: plan.firstMinute, end: plan.endMinute, GapKeeper.Options(thresholds))
    tradeIds = TradeGaps(series)
    quality = QualityMonitor(series, QualityMonitor.Options(thresholds), events: plan.events, now: now)
  }

  /// Candles that are stored already.
  mutating func prime(_ candles: [Candle]) { for candle in candles { _ = recent.take(candle) } }

  mutating func start(_ plan: SeriesPlan, takesUpAgain: Bool, now: Timestamp) -> [GapChange] {
    let changes =
      minutes.start(plan.ledger, plan.events, takesUpAgain: takesUpAgain, now: now)
      + tradeIds.start(plan.ledger, plan.events, takesUpAgain: takesUpAgain, now: now)
    if let lastId = tradeIds.lastId { trades.resume(after: lastId) }
    return changes
  }

  // MARK: Stream

  /// Whether it says something that the last one did not.
  func isNews(_ kline: Kline) -> Bool {
    newestKline.map { $0 != (kline.candle, kline.isClosed) } ?? true
  }

  mutating func receive(_ kline: Kline, now: Timestamp, _ output: inout LiveOutput) -> [GapChange] {
    newestKline = (kline.candle, kline.isClosed)
    heard(kline.time, now: now)
    quality.messages(1, invalid: 0, now: now)
    return candles(in: klines.receive(kline, now: now), now: now, &output)
  }

  mutating func receive(
    _ trade: Trade, _ provenance: Provenance, now: Timestamp, _ output: inout LiveOutput
  ) -> [GapChange] {
    if provenance == .live {
      if source == .trades { heard(trade.time, now: now) }
      ticks.receive(trade, now: now, &output)
    }
    quality.messages(1, invalid: 0, now: now)
    counts.trades += 1
    guard numbersTrades else { return [] }
    return take(trades.receive(trade, provenance, now: now), now: now, &output)
  }

  mutating func heartbeat(
    _ time: Timestamp, lastTradeId: Int64?, now: Timestamp, _ output: inout LiveOutput
  ) -> [GapChange] {
    if source == .trades { heard(time, now: now) }
    guard numbersTrades, let lastTradeId else { return [] }
    return take(trades.heartbeat(time: time, lastTradeId: lastTradeId, now: now), now: now, &output)
  }

  /// A minute made of an oracle's observations.
  mutating func receive(
    _ minute: SealedCandle, now: Timestamp, _ output: inout LiveOutput
  ) -> [GapChange] {
    candles(in: [.sealed(minute)], now: now, &output)
  }

  mutating func heard(_ time: Timestamp, now: Timestamp) {
    minutes.heard(time, now: now)
    quality.heard(time, now: now)
  }

  mutating func receive(_ quote: Quote, now: Timestamp, _ output: inout LiveOutput) {
    counts.quotes += 1
    ticks.receive(quote, now: now, &output)
  }

  mutating func observed(_ time: Timestamp, now: Timestamp) {
    counts.ticks += 1
    quality.messages(1, invalid: 0, now: now)
    heard(time, now: now)
  }

  /// Keeps the local book, whose breaks ask for a new snapshot.
  mutating func follow(_ update: BookUpdate) -> OrderBook.Outcome {
    counts.books += 1
    return book?.apply(update) ?? .ignored
  }

  private static let bookDepth = 1000

  mutating func connected(isSecond: Bool, now: Timestamp) -> [GapChange] {
    minutes.connected(isSecond: isSecond, now: now)
  }

  mutating func learnedClock(now: Timestamp) -> [GapChange] { minutes.learnedClock(now: now) }

  /// Messages of this time were lost.
  mutating func doubt(_ time: Timestamp) { minutes.doubt(time) }

  /// A message of this series could not be used.
  mutating func refused(now: Timestamp) {
    counts.refused += 1
    quality.messages(0, invalid: 1, now: now)
  }

  /// What trades say: their ids always, their minutes where the venue gives none itself.
  private mutating func take(
    _ outputs: [SealingOutput], now: Timestamp, _ output: inout LiveOutput
  ) -> [GapChange] {
    let ids = outputs.flatMap { tradeIds.take($0, now: now) }
    guard source == .trades else { return ids }
    return ids + candles(in: outputs, now: now, &output)
  }

  private mutating func candles(
    in outputs: [SealingOutput], now: Timestamp, _ output: inout LiveOutput
  ) -> [GapChange] {
    var changes: [GapChange] = []
    for one in outputs {
      switch one {
      case .sealed(let sealed):
        store(sealed.candle, sealed.provenance, now: now, &output)
        changes += minutes.sealed(sealed, now: now)
      case .quiet(let minute):
        quality.stored(minute, isLive: true)
        changes += minutes.quiet(minute: minute, now: now)
      case .unfinished(let minute): changes += minutes.unfinished(minute: minute, now: now)
      case .refused(let reason):
        refused(now: now)
        output.notes.append(LiveNote(.warning, "decode", series, reason))
      case .jumped, .recovered: break
      }
    }
    return changes
  }

  // MARK: Answers

  /// Candles that the venue gave on request; those that say nothing new are passed over.
  mutating func store(_ candles: [Candle], now: Timestamp, _ output: inout LiveOutput) {
    for candle in candles { store(candle, .patched, now: now, &output) }
  }

  mutating func answered(_ answer: CandleAnswer, now: Timestamp) -> [GapChange] {
    minutes.answered(answer, now: now)
  }

  mutating func answered(
    _ trades: [Trade], asked: Range<Int64>, isFull: Bool, from source: String, now: Timestamp,
    _ output: inout LiveOutput
  ) -> [GapChange] {
    let changes = tradeIds.answered(asked, ids: trades.map(\.id), isFull: isFull, from: source, now: now)
    return changes + trades.flatMap { receive($0, .patched, now: now, &output) }
  }

  mutating func abandoned(
    _ kind: LedgerKind, _ range: Range<Int64>, reason: String, now: Timestamp
  ) -> [GapChange] {
    switch kind {
    case .minutes:
      refusal = reason
      return minutes.abandoned(range, reason: reason, now: now)
    case .trades: return tradeIds.abandoned(range, reason: reason, now: now)
    }
  }

  mutating func tick(now: Timestamp) -> [GapChange] {
    reachedTrades(now: now) + minutes.tick(now: now) + tradeIds.tick(now: now)
      + quality.tick(now: now).map { .quality($0) }
  }

  /// Once a minute: each range is a commit, and what a crash keeps from the ledger is only asked for again.
  private mutating func reachedTrades(now: Timestamp) -> [GapChange] {
    guard now >= reachesAt, let last = trades.lastTradeId else { return [] }
    reachesAt = now.adding(minutes: 1)
    return tradeIds.reached(last, now: now)
  }

  private mutating func store(
    _ candle: Candle, _ provenance: Provenance, now: Timestamp, _ output: inout LiveOutput
  ) {
    guard recent.take(candle) else { return }
    let arrival = arrival(of: candle, now: now)
    let record = CandleRecord(
      candle: candle, availableAt: arrival, knownAt: arrival, provenance: provenance, isAvailabilityAssumed: false)
    output.batch.candles.append(LiveCandle(series, record))
    output.events.append(.candle(series, record))
    quality.stored(candle.openTime.minute, isLive: provenance == .live)
    counts.add(candle, provenance)
  }

  /// With a clock behind the venue's a candle would arrive before it was over, and a later one before that. Whoever puts
  /// candles into the order of their arrival must have them in the order in which they came.
  private mutating func arrival(of candle: Candle, now: Timestamp) -> Timestamp {
    var arrival = max(now, candle.closeTime)
    if (arrival, candle.openTime) <= newest { arrival = newest.arrival.adding(microseconds: 1) }
    newest = (arrival, candle.openTime)
    return arrival
  }
}

/// What a series has brought since the start.
package struct SeriesCounts: Hashable, Sendable {
  package var live = 0
  package var patched = 0
  package var trades = 0
  package var quotes = 0
  package var ticks = 0
  package var books = 0
  /// What no market has.
  package var refused = 0
  /// Open time of the newest candle.
  package var newest: Timestamp?

  mutating func add(_ candle: Candle, _ provenance: Provenance) {
    if provenance == .live { live += 1 } else { patched += 1 }
    newest = max(newest ?? candle.openTime, candle.openTime)
  }
}
