internal import Features
package import Market

/// The first half of the tick cadence: from trades, quotes and candles to a point at each of its moments.
///
/// Moments are multiples of the interval since 1970. A point of a moment has seen what came before it and nothing since,
/// so it does not matter in which portions that is told.
package struct TickPoints: Sendable {
  /// Whose trades and quotes these are.
  package let series: Series
  private let cadence: TickCadence
  private var features = TickFeatures()
  /// What requests told while the stream was silent.
  private var spare: TickFeatures?
  private var dueAt: Timestamp?

  package init(_ view: MarketView, _ cadence: TickCadence) {
    (series, self.cadence) = (view.tradedSeries, cadence)
  }

  /// It is so late; to be told before what came then.
  ///
  /// - Returns: the point of the newest moment up to now that none was given of. Moments that were passed over have none.
  package mutating func advance(to now: Timestamp) -> TickPoint? {
    let interval = cadence.intervalMilliseconds * 1000
    let moment = Timestamp(microseconds: now.microseconds.flooredQuotient(interval) * interval)
    defer { dueAt = max(dueAt ?? .distantPast, moment.adding(microseconds: interval)) }
    guard let dueAt, moment >= dueAt else { return nil }
    return point(at: moment)
  }

  package mutating func take(_ event: TickEvent, at now: Timestamp) {
    switch event {
    case .tradesBegin(series, let time): features.beginTrades(at: time)
    case .interrupted(series):
      features.interruptTrades()
      features.forgetQuote()
    case .trade(series, let trade): features.update(trade)
    case .quote(series, let quote): features.update(quote, at: now)
    case .snapshot(series, let snapshot): spare = features.replaced(by: snapshot, at: now)
    default: break
    }
  }

  package mutating func take(_ event: MarketEvent) {
    guard case .candle(series, let record) = event else { return }
    features.update(FeatureInput(record.candle))
  }

  /// Does now what the next moment would otherwise wait for.
  package mutating func prepare() { features.prepare() }

  private mutating func point(at time: Timestamp) -> TickPoint {
    let age = features.age(at: time)
    if let age, age <= cadence.maxInputAgeMilliseconds {
      spare = nil
      return TickPoint(inputs: features.inputs(at: time), ageMilliseconds: age, source: .direct)
    }
    if let age = spare?.age(at: time), age <= cadence.maxInputAgeMilliseconds, let inputs = spare?.inputs(at: time) {
      return TickPoint(inputs: inputs, ageMilliseconds: age, source: .fallback)
    }
    return TickPoint(inputs: features.inputs(at: time), ageMilliseconds: age, source: .direct)
  }
}

extension TickFeatures {
  fileprivate func age(at time: Timestamp) -> Int64? {
    heardAt.map { max(0, time.milliseconds - $0.milliseconds) }
  }

  /// The same candles, and otherwise what a snapshot tells.
  fileprivate func replaced(by snapshot: MarketSnapshot, at now: Timestamp) -> TickFeatures {
    var spare = self
    spare.interruptTrades()
    spare.forgetQuote()
    for candle in snapshot.candles { spare.update(FeatureInput(candle)) }
    if let start = snapshot.tradesFrom {
      spare.beginTrades(at: start)
      for trade in snapshot.trades { spare.update(trade) }
    }
    if let quote = snapshot.quote { spare.update(quote, at: now) }
    return spare
  }
}

extension MarketView {
  /// The series whose trades move the price: an oracle has none.
  package var tradedSeries: Series { price.venue.original == .chainlink ? volume ?? price : price }
}
