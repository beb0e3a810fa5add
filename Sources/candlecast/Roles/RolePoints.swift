import Market
import Pipeline
import Storage
import Streams

/// The first half of the tick cadence in a process of its own: batches in, points out.
struct RolePoints {
  /// No point, no close and no decision reaches back further: a window of a quarter of an hour, and the mean of a minute
  /// at which it began.
  static let reachMicroseconds: Int64 = 1_020_000_000

  /// What the store is asked for: candles as they stood at a moment.
  typealias History = (StoredMoment, (MarketEvent) -> Void) throws -> Void

  private let view: MarketView
  private var points: TickPoints?
  private var prices: WindowPrices?
  /// Of the batch taken last.
  private var run: Timestamp?
  private var number: Int64 = -1
  private(set) var until = Timestamp.distantPast
  /// Times that batches were missing: what windows lack because of it is told as missing.
  private(set) var holes = 0

  init(_ view: MarketView) { self.view = view }

  /// What began with the batch taken last.
  enum Beginning { case run, hole, takeover }

  struct Outcome {
    var point: TickPoint?
    var windows: [WindowFact] = []
    var beginning: Beginning?
  }

  /// - Returns: `nil` for one that has been taken already.
  mutating func take(_ batch: TickBatch, history: History) throws -> Outcome? {
    if batch.run == run, batch.number <= number { return nil }
    let beginning = beginning(of: batch)
    if beginning != nil { try begin(batch, history) }
    (run, number, until) = (batch.run, batch.number, batch.range.upperBound)
    for entry in batch.entries { take(entry) }
    let point = points?.advance(to: batch.range.upperBound)
    return Outcome(point: point, windows: point.flatMap { prices?.facts(at: $0) } ?? [], beginning: beginning)
  }

  private mutating func beginning(of batch: TickBatch) -> Beginning? {
    if batch.run == run, batch.number == number + 1 { return nil }
    if batch.number == 0 { return .run }
    guard run != nil else { return .takeover }
    holes += 1
    return .hole
  }

  private mutating func begin(_ batch: TickBatch, _ history: History) throws {
    (points, prices) = (TickPoints(view, batch.cadence), WindowPrices(view, batch.cadence))
    // Those that were stored at the start itself were told before it, or are now, and in any case before a point is made.
    try history(StoredMoment(knownAt: batch.range.lowerBound, nextOpenTime: .distantFuture)) { take($0) }
    for entry in batch.known { take(entry) }
  }

  private mutating func take(_ entry: TickBatch.Entry) {
    switch entry {
    case .tick(let event, let time):
      points?.take(event, at: time)
      prices?.take(event)
    case .candle(let series, let record): take(MarketEvent.candle(series, record))
    case .observed(let tick, _): prices?.take(tick)
    }
  }

  private mutating func take(_ event: MarketEvent) {
    points?.take(event)
    prices?.take(event)
  }
}
