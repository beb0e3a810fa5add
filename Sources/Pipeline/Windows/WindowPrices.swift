internal import Features
package import Market

/// The first half of what is said of windows that are not over: from prices to what they tell of each window at a
/// moment. It has no clock and no I/O.
package struct WindowPrices: Sendable {
  private let cadence: TickCadence
  /// Of an exchange; of an oracle otherwise.
  private var traded: TradedPrices?
  private var observed: ObservedPrices?

  package init(_ view: MarketView, _ cadence: TickCadence) {
    self.cadence = cadence
    if view.price.venue.original == .chainlink {
      observed = ObservedPrices(view.price)
    } else {
      traded = TradedPrices(view.price)
    }
  }

  package mutating func take(_ event: TickEvent) { traded?.take(event) }

  package mutating func take(_ event: MarketEvent) { traded?.take(event) }

  package mutating func take(_ tick: OracleTick) { observed?.take(tick) }

  /// - Parameter point: of the moment, with what trades tell of it.
  package func facts(at point: TickPoint) -> [WindowFact] {
    PredictionTarget.openWindows.map { target in
      let length = target.horizonMinutes
      let window = ClockWindow(containing: point.inputs.time, lengthMinutes: length)
      return WindowFact(
        lengthMinutes: length,
        reading: Result { () throws(WindowSilence) in try reading(of: window, point) })
    }
  }

  private func reading(of window: ClockWindow, _ point: TickPoint) throws(WindowSilence) -> WindowReading {
    let age = cadence.maxInputAgeMilliseconds
    if let observed { return try observed.reading(of: window, at: point.inputs.time, maxAgeMilliseconds: age) }
    guard let traded else { throw WindowSilence(code: "stale", reason: "no prices are followed") }
    return try traded.reading(of: window, at: point, maxAgeMilliseconds: age)
  }
}
