import Ingestion
import Market
import Pipeline
import Storage
import Streams

/// Puts together what happened from one moment of the tick cadence to the next, for the role that makes points of it.
struct TickTeller {
  /// A batch of more is told before the next moment, since a record of a stream has its limits: that of so many trades
  /// is 100 kB.
  private static let mostWeight = 400

  let view: MarketView
  private let cadence: TickCadence
  private let source: String
  private let series: Series
  private var run: Timestamp?
  private var number: Int64 = 0
  private var from = Timestamp.distantPast
  /// What stands now, and what stood at `from`.
  private var standing = Standing()
  private var known: [TickBatch.Entry] = []
  private var entries: [TickBatch.Entry] = []
  private var weight = 0
  /// Of the newest quote among the entries: those before it are of no use to any point.
  private var quotePlace: Int?

  init(_ view: MarketView, _ cadence: TickCadence, source: String) {
    (self.view, self.cadence, self.source) = (view, cadence, source)
    series = view.tradedSeries
  }

  /// It is so late; to be told before what came then, since a moment has seen nothing of what came with the step that it
  /// is due at. What it gives is to be passed on before the candles of that step, so that those who follow both are told
  /// of a moment when they have just the candles before it.
  ///
  /// - Returns: the batch that is complete by now.
  mutating func advance(to now: Timestamp) -> TickBatch? {
    if run == nil {
      (run, from) = (now, now)
      return batch(until: now)
    }
    return moment(of: now) > moment(of: from) ? batch(until: now) : nil
  }

  /// Takes in what a step gave at its time.
  ///
  /// - Returns: batches that are full already.
  mutating func take(_ output: LiveOutput, now: Timestamp) -> [TickBatch] {
    var complete: [TickBatch] = []
    func split() {
      if weight >= Self.mostWeight { complete.append(batch(until: now)) }
    }
    let time = Timestamp(milliseconds: now.milliseconds)
    for event in output.ticks {
      take(event, at: time)
      split()
    }
    for record in output.batch.ticks where record.venue == view.price.venue {
      take(record.tick, at: time)
      split()
    }
    for event in output.events {
      take(event, knownAt: output.batch.knownAt)
      split()
    }
    return complete
  }

  private func moment(of time: Timestamp) -> Int64 { time.milliseconds.flooredQuotient(cadence.intervalMilliseconds) }

  private mutating func take(_ event: TickEvent, at time: Timestamp) {
    switch event {
    case .trade(series, let trade): standing.trade = trade
    case .quote(series, let quote):
      standing.quote = (quote, time)
      if let quotePlace {
        entries[quotePlace] = .tick(event, at: time)
        return
      }
      quotePlace = entries.count
    case .tradesBegin(series, _): (standing.isWhole, standing.trade) = (true, nil)
    case .interrupted(series): (standing, quotePlace) = (Standing(), nil)
    case .snapshot(series, let snapshot): weight += (snapshot.trades.count + snapshot.candles.count) / 2
    default: return
    }
    entries.append(.tick(event, at: time))
    weight += 1
  }

  private mutating func take(_ tick: OracleTick, at time: Timestamp) {
    guard tick.feed == view.price.symbol, tick.source.isStream else { return }
    entries.append(.observed(tick, at: time))
    weight += 1
  }

  private mutating func take(_ event: MarketEvent, knownAt: Timestamp) {
    guard case .candle(series, var record) = event else { return }
    record.knownAt = knownAt
    entries.append(.candle(series, record))
    weight += 2
  }

  private mutating func batch(until: Timestamp) -> TickBatch {
    defer {
      (number, from) = (number + 1, until)
      (entries, weight, quotePlace) = ([], 0, nil)
      known = standing.entries(series, at: until)
    }
    return TickBatch(
      series: series, cadence: cadence, run: run ?? until, number: number, range: from..<until, known: known,
      entries: entries, source: source)
  }

  private struct Standing {
    /// Every trade has come since some time.
    var isWhole = false
    var trade: Trade?
    var quote: (quote: Quote, time: Timestamp)?

    /// Who begins here has every trade from here on.
    func entries(_ series: Series, at time: Timestamp) -> [TickBatch.Entry] {
      let now = Timestamp(milliseconds: time.milliseconds)
      return [
        isWhole ? .tick(.tradesBegin(series, at: time), at: now) : nil,
        isWhole ? trade.map { .tick(.trade(series, $0), at: now) } : nil,
        quote.map { .tick(.quote(series, $0.quote), at: $0.time) },
      ].compactMap(\.self)
    }
  }
}
