import Features
import Market
import Pipeline
import Storage
import Streams

/// A moment between two events of a stream, as the store tells it: what was stored earlier is in it, and of what was
/// stored with the event the minutes before a certain one. A batch is stored at one time, and a role that is killed amid
/// its events goes on amid them.
struct StoredMoment {
  let knownAt: Timestamp
  /// Of what was stored at `knownAt`, this minute and those after it come later.
  let nextOpenTime: Timestamp

  static func before(_ event: CandleEvent) -> StoredMoment {
    StoredMoment(knownAt: event.record.knownAt, nextOpenTime: event.record.candle.openTime)
  }

  /// A point has seen what was stored before its moment.
  static func before(_ event: PointEvent) -> StoredMoment {
    StoredMoment(knownAt: event.point.inputs.time, nextOpenTime: .distantPast)
  }

  static func after(_ event: CandleEvent) -> StoredMoment {
    StoredMoment(knownAt: event.record.knownAt, nextOpenTime: event.record.candle.closeTime)
  }

  func has(_ record: CandleRecord) -> Bool {
    record.knownAt < knownAt || record.knownAt == knownAt && record.candle.openTime < nextOpenTime
  }
}

extension Store {
  /// The candles of a view in the order in which a live reader had them.
  func readEvents(_ view: MarketView, at moment: StoredMoment, _ body: (MarketEvent) throws -> Void) throws {
    guard let first = try summary(of: view.price)?.firstOpenTime, first < moment.knownAt else { return }
    try readEvents(view, in: first..<moment.knownAt, asOf: moment.knownAt) { event in
      guard case .candle(_, let record) = event, moment.has(record) else { return }
      try body(event)
    }
  }

  /// The candles of a view as they stood, piece by piece.
  func readStanding(_ view: MarketView, at moment: StoredMoment, _ body: (JoinedCandles) throws -> Void) throws {
    guard let period = try summary(of: view.price)?.period else { return }
    for piece in MarketView.pieces(of: period) {
      try body(try view.joined { try candles(of: $0, in: piece, at: moment) })
    }
  }

  private func candles(
    of series: Series, in piece: Range<Timestamp>, at moment: StoredMoment
  ) throws -> [Candle] {
    let before = try candles(series, in: piece, asOf: moment.knownAt.adding(microseconds: -1))
    let with = try candles(series, in: piece, asOf: moment.knownAt)
      .filter { $0.knownAt == moment.knownAt && moment.has($0) }
    let all = Dictionary((before + with).map { ($0.candle.openTime, $0.candle) }) { _, newer in newer }
    return all.values.sorted { $0.openTime < $1.openTime }
  }
}
