import Market

/// The market as one venue shows it at an instant: minutes are made when they are asked for, and a few are kept.
struct MarketReader: Sendable {
  let market: SimulatedMarket
  let faults: FaultPlan
  private var kept: [Key: SynthesisedMinute] = [:]
  private var oldest: [Key] = []
  private static let mostKept = 64
  private var sums: [SumKey: Bar] = [:]
  private static let mostSums = 32

  private struct Key: Hashable {
    let series: Int
    let index: Int
  }

  private struct SumKey: Hashable {
    let series: Int
    let range: Range<Timestamp>
  }

  init(_ market: SimulatedMarket, _ faults: FaultPlan) { (self.market, self.faults) = (market, faults) }

  func series(_ symbol: String) -> Int? { market.series.firstIndex { $0.symbol.name == symbol } }

  /// What the venue's clock shows.
  func stamp(_ now: Timestamp) -> Timestamp { now.adding(microseconds: faults.clockOffset(at: now)) }

  // MARK: Minutes

  mutating func minute(_ series: Int, _ index: Int) -> SynthesisedMinute {
    let key = Key(series: series, index: index)
    if let minute = kept[key] { return minute }
    if oldest.count >= Self.mostKept { kept[oldest.removeFirst()] = nil }
    let minute = market.series[series].synthesis(index)
    kept[key] = minute
    oldest.append(key)
    return minute
  }

  /// A closed minute in its version of now.
  func candle(_ series: Int, _ index: Int, at now: Timestamp) -> Candle {
    let data = market.series[series]
    return faults.rewritten(data.candles[index], grid: data.grid, at: now)
  }

  /// Every closed minute in its version of now.
  func closedCandles(_ series: Int, at now: Timestamp) -> [Candle] {
    let data = market.series[series]
    return data.candles.indices.prefix { data.candles[$0].closeTime <= now }.map { candle(series, $0, at: now) }
  }

  // MARK: Bars

  /// Closed minutes taken together. Tickers ask for the same ones all through a minute, so they are kept.
  mutating func sum(_ series: Int, _ range: Range<Timestamp>, at now: Timestamp) -> Bar? {
    let key = SumKey(series: series, range: range)
    if let sum = sums[key] { return sum }
    let last = range.upperBound.adding(microseconds: -1)
    var bars = bars(series, .minute, from: range.lowerBound, through: last, limit: .max, at: now)[...]
    guard var sum = bars.popFirst() else { return nil }
    for bar in bars { sum.append(bar.candle) }
    // A fault may rewrite history at any moment.
    guard faults.faults.isEmpty else { return sum }
    if sums.count >= Self.mostSums { sums.removeAll() }
    sums[key] = sum
    return sum
  }

  /// The bar that contains `time`, of what happened up to `now`; `nil` where there are no minutes.
  mutating func bar(_ series: Int, _ interval: CandleInterval, containing time: Timestamp, at now: Timestamp) -> Bar? {
    let data = market.series[series]
    let start = interval.start(of: time)
    let end = interval.end(from: start)
    var result: Bar?
    var index = data.index(from: start)
    while index < data.candles.count, data.candles[index].openTime < end, data.candles[index].openTime <= now {
      let piece = piece(series, index, at: now)
      if result == nil {
        var first = piece
        first.openTime = start
        let id = data.firstTradeIds[index]
        result = Bar(candle: first, end: end, firstTradeId: id, lastTradeId: id + (piece.trades ?? 0) - 1)
      } else {
        result?.append(piece)
      }
      index += 1
    }
    return result
  }

  /// A minute as far as it has come. Before its first trade it stands at the close before.
  private mutating func piece(_ series: Int, _ index: Int, at now: Timestamp) -> Candle {
    let data = market.series[series]
    let whole = data.candles[index]
    if whole.closeTime <= now { return candle(series, index, at: now) }
    if let partial = minute(series, index).candle(upTo: now) { return partial }
    let price = index > 0 ? data.candles[index - 1].close : whole.open
    return Candle(
      openTime: whole.openTime, open: price, high: price, low: price, close: price, volume: .zero, quoteVolume: .zero,
      trades: 0, takerBuyBase: .zero, takerBuyQuote: .zero)
  }

  /// Oldest first, at most `limit` from the start of the range, or from its end.
  mutating func bars(
    _ series: Int, _ interval: CandleInterval, from: Timestamp?, through: Timestamp?, limit: Int, at now: Timestamp
  ) -> [Bar] {
    from.map { bars(series, interval, from: $0, through: min(through ?? now, now), limit: limit, at: now) }
      ?? bars(series, interval, upTo: min(through ?? now, now), limit: limit, at: now)
  }

  private mutating func bars(
    _ series: Int, _ interval: CandleInterval, from: Timestamp, through: Timestamp, limit: Int, at now: Timestamp
  ) -> [Bar] {
    let data = market.series[series]
    var bars: [Bar] = []
    let aligned = interval.start(of: from)
    var start = aligned < from ? interval.end(from: aligned) : aligned
    while bars.count < limit {
      let index = data.index(from: start)
      guard index < data.candles.count else { break }
      start = max(start, interval.start(of: data.candles[index].openTime))
      guard start <= through, let bar = bar(series, interval, containing: start, at: now) else { break }
      bars.append(bar)
      start = bar.end
    }
    return bars
  }

  private mutating func bars(
    _ series: Int, _ interval: CandleInterval, upTo time: Timestamp, limit: Int, at now: Timestamp
  ) -> [Bar] {
    let data = market.series[series]
    var bars: [Bar] = []
    var next = data.index(from: time.adding(microseconds: 1)) - 1
    while bars.count < limit, next >= 0, data.candles[next].openTime <= time {
      let start = interval.start(of: data.candles[next].openTime)
      guard let bar = bar(series, interval, containing: start, at: now) else { break }
      bars.append(bar)
      next = data.index(from: start) - 1
    }
    return bars.reversed()
  }

  // MARK: Trades

  /// The last aggregate up to `now`; `nil` before the first.
  mutating func last(_ series: Int, at now: Timestamp) -> AggregateTrade? {
    let data = market.series[series]
    var index = min(data.index(from: Timestamp(minute: now.minute + 1)), data.candles.count) - 1
    while index >= 0 {
      if data.candles[index].trades ?? 0 > 0, let last = minute(series, index).last(at: now) { return last }
      index -= 1
    }
    return nil
  }

  /// Aggregates by time or id from a minute on, as many as `limit` and up to `now`.
  mutating func aggregates(
    _ series: Int, fromMinute start: Int, limit: Int, at now: Timestamp, where isWanted: (AggregateTrade) -> Bool
  ) -> [AggregateTrade] {
    let data = market.series[series]
    var found: [AggregateTrade] = []
    var index = start
    while index < data.candles.count, data.candles[index].openTime <= now, found.count < limit {
      for aggregate in minute(series, index).aggregates where aggregate.time <= now && isWanted(aggregate) {
        found.append(aggregate)
        if found.count == limit { break }
      }
      index += 1
    }
    return found
  }

  /// Single trades from an id on, up to `now`.
  mutating func trades(_ series: Int, fromId: Int64, limit: Int, at now: Timestamp) -> [Trade] {
    let data = market.series[series]
    guard var index = data.index(ofTrade: max(fromId, 1)) else { return [] }
    var found: [Trade] = []
    while index < data.candles.count, found.count < limit {
      let minute = minute(series, index)
      for aggregate in minute.aggregates where aggregate.lastTradeId >= fromId {
        guard aggregate.time <= now else { return found }
        found += minute.trades(of: aggregate).lazy.filter { $0.id >= fromId }.prefix(limit - found.count)
        guard found.count < limit else { return found }
      }
      index += 1
    }
    return found
  }

  /// The id of the last single trade up to `now`; 0 before the first.
  mutating func lastTradeId(_ series: Int, at now: Timestamp) -> Int64 { last(series, at: now)?.lastTradeId ?? 0 }

  /// The newest single trades, oldest first.
  mutating func newestTrades(_ series: Int, limit: Int, at now: Timestamp) -> [Trade] {
    let last = lastTradeId(series, at: now)
    return last > 0 ? trades(series, fromId: max(1, last - Int64(limit) + 1), limit: limit, at: now) : []
  }

  // MARK: Book

  mutating func book(_ series: Int, at now: Timestamp, depth: Int = SimulatedBook.depth) -> SimulatedBook? {
    last(series, at: now).map { book(series, after: $0, depth: depth) }
  }

  func book(_ series: Int, after aggregate: AggregateTrade, depth: Int = SimulatedBook.depth) -> SimulatedBook {
    let data = market.series[series]
    return SimulatedBook(after: aggregate, grid: data.grid, seed: data.seed, depth: depth)
  }
}
