import Market

/// What a socket was subscribed to, and how far it has been told.
struct Feed: Sendable {
  enum Content: Hashable, Sendable {
    case aggregates
    /// Bars as they grow, every so many microseconds, and once more when they close.
    case bars(CandleInterval, every: Int64)
    /// Changes of the best so many levels of a side since the last ones.
    case bookChanges(every: Int64, depth: Int = SimulatedBook.depth)
    /// Whole books after changes, so many levels of a side.
    case books(every: Int64, depth: Int = SimulatedBook.depth)
    /// An oracle's observations, so many microseconds after they were made.
    case ticks(delay: Int64)
    case pulses(every: Int64)
    /// Accepted, and never anything comes.
    case nothing
  }

  enum Event {
    case aggregate(AggregateTrade, SynthesisedMinute)
    case bar(Bar, isClosed: Bool)
    case changes(BookUpdate, SimulatedBook)
    case book(SimulatedBook)
    case tick(OracleTick)
    case pulse
  }

  /// Between the end of a bar and the message that says so.
  static let closingDelay: Int64 = 15_000

  /// As the client named it.
  let name: String
  let series: Int
  let content: Content
  /// When it has something to say next.
  private(set) var due: Timestamp = .distantFuture
  /// The next aggregate or tick that was not told.
  private var index = 0
  private var position = 0
  private var barStart = Timestamp.distantPast
  private var toldTrades: Int64 = -1
  private var book: SimulatedBook?
  private var ticks: [OracleTick] = []
  /// Changes of the book that were told.
  private(set) var changes: Int64 = 0

  /// Tells what happens after `now`.
  init(_ name: String, _ content: Content, series: Int = 0, from now: Timestamp, _ reader: inout MarketReader) {
    (self.name, self.content, self.series) = (name, content, series)
    switch content {
    case .aggregates: skipAggregates(upTo: now, &reader)
    case .bars(let interval, let every): beginBar(containing: now, interval, every, reader)
    case .bookChanges(let every, let depth), .books(let every, let depth):
      book = reader.book(series, at: now, depth: depth)
      skipAggregates(upTo: now, &reader)
      due = Self.onGrid(due, every)
    case .ticks(let delay): skipTicks(upTo: now, delay, &reader)
    case .pulses(let every): due = Self.onGrid(now.adding(microseconds: 1), every)
    case .nothing: break
    }
  }

  /// The whole book that the first changes lead on from.
  var firstBook: SimulatedBook? { book }

  /// What is to be told at `due`; moves on to the next.
  mutating func take(_ reader: inout MarketReader) -> Event? {
    switch content {
    case .aggregates: return takeAggregate(&reader)
    case .bars(let interval, let every): return takeBar(interval, every, &reader)
    case .bookChanges(let every, let depth): return takeBook(every, depth, &reader, isWhole: false)
    case .books(let every, let depth): return takeBook(every, depth, &reader, isWhole: true)
    case .ticks(let delay): return takeTick(delay, &reader)
    case .pulses(let every):
      due = due.adding(microseconds: every)
      return .pulse
    case .nothing: return nil
    }
  }

  private static func onGrid(_ time: Timestamp, _ every: Int64) -> Timestamp {
    guard time < .distantFuture else { return time }
    return Timestamp(microseconds: (time.microseconds + every - 1).flooredQuotient(every) * every)
  }

  // MARK: Trades

  private mutating func skipAggregates(upTo now: Timestamp, _ reader: inout MarketReader) {
    let data = reader.market.series[series]
    index = max(0, data.index(from: Timestamp(minute: now.minute)))
    position = 0
    if index < data.candles.count {
      position = reader.minute(series, index).aggregates.count { $0.time <= now }
    }
    settle(&reader)
  }

  /// Moves from the end of a minute to the next one with trades.
  private mutating func settle(_ reader: inout MarketReader) {
    let data = reader.market.series[series]
    while index < data.candles.count {
      let aggregates = reader.minute(series, index).aggregates
      if position < aggregates.count {
        due = aggregates[position].time
        return
      }
      (index, position) = (index + 1, 0)
    }
    due = .distantFuture
  }

  private mutating func takeAggregate(_ reader: inout MarketReader) -> Event? {
    let minute = reader.minute(series, index)
    let aggregate = minute.aggregates[position]
    position += 1
    settle(&reader)
    return .aggregate(aggregate, minute)
  }

  // MARK: Books

  private mutating func takeBook(
    _ every: Int64, _ depth: Int, _ reader: inout MarketReader, isWhole: Bool
  ) -> Event? {
    let time = due
    var last: AggregateTrade?
    while due <= time {
      last = reader.minute(series, index).aggregates[position]
      position += 1
      settle(&reader)
    }
    due = Self.onGrid(due, every)
    guard let last else { return nil }
    let next = reader.book(series, after: last, depth: depth)
    defer { book = next }
    guard !isWhole, let book else { return .book(next) }
    changes += 1
    return .changes(next.changes(since: book), next)
  }

  // MARK: Bars

  private mutating func beginBar(
    containing time: Timestamp, _ interval: CandleInterval, _ every: Int64, _ reader: MarketReader
  ) {
    let data = reader.market.series[series]
    let index = data.index(from: interval.start(of: time))
    guard index < data.candles.count else { return due = .distantFuture }
    barStart = interval.start(of: data.candles[index].openTime)
    toldTrades = -1
    schedule(after: max(time, data.candles[index].openTime), interval, every)
  }

  private mutating func schedule(after time: Timestamp, _ interval: CandleInterval, _ every: Int64) {
    let next = Self.onGrid(time.adding(microseconds: 1), every)
    let end = interval.end(from: barStart)
    due = next < end ? next : end.adding(microseconds: Self.closingDelay)
  }

  private mutating func takeBar(_ interval: CandleInterval, _ every: Int64, _ reader: inout MarketReader) -> Event? {
    let time = due
    let isClosed = time >= interval.end(from: barStart)
    let bar = reader.bar(series, interval, containing: barStart, at: time)
    if isClosed {
      beginBar(containing: interval.end(from: barStart), interval, every, reader)
    } else {
      schedule(after: time, interval, every)
    }
    guard let bar, isClosed || bar.candle.trades != toldTrades else { return nil }
    if !isClosed { toldTrades = bar.candle.trades ?? 0 }
    return .bar(bar, isClosed: isClosed)
  }

  // MARK: Ticks

  private mutating func skipTicks(upTo now: Timestamp, _ delay: Int64, _ reader: inout MarketReader) {
    let seen = now.adding(microseconds: -delay)
    let data = reader.market.series[series]
    index = data.index(from: Timestamp(minute: seen.minute))
    guard index < data.candles.count else { return due = .distantFuture }
    ticks = reader.ticks(series, index)
    position = ticks.count { $0.time <= seen }
    settleTicks(delay, &reader)
  }

  private mutating func settleTicks(_ delay: Int64, _ reader: inout MarketReader) {
    let count = reader.market.series[series].candles.count
    while position >= ticks.count {
      index += 1
      guard index < count else { return due = .distantFuture }
      (ticks, position) = (reader.ticks(series, index), 0)
    }
    due = ticks[position].time.adding(microseconds: delay)
  }

  private mutating func takeTick(_ delay: Int64, _ reader: inout MarketReader) -> Event? {
    let tick = ticks[position]
    position += 1
    settleTicks(delay, &reader)
    return .tick(tick)
  }
}
