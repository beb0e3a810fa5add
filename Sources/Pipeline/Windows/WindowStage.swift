internal import Features
package import Market

/// What is said between closes of the windows that are not over, at the moments of the tick cadence, in one process. It
/// has no clock and no I/O.
package struct WindowStage: Sendable {
  private var prices: WindowPrices
  private var decisions: WindowDecisions

  package init(_ view: MarketView, _ cadence: TickCadence, mode: Prediction.Mode) {
    prices = WindowPrices(view, cadence)
    decisions = WindowDecisions(view, mode: mode)
  }

  package var view: MarketView { decisions.view }

  /// What serves a window at closes from now on.
  package mutating func serve(_ target: PredictionTarget, with version: ServedVersion?) {
    decisions.serve(target, with: version)
  }

  /// Which versions beside it may serve a window at closes.
  package mutating func setArms(_ arms: [ServedArm<ServedVersion>], of target: PredictionTarget) {
    decisions.setArms(arms, of: target)
  }

  package mutating func take(_ event: TickEvent) { prices.take(event) }

  package mutating func take(_ event: MarketEvent) { prices.take(event) }

  package mutating func take(_ tick: OracleTick) { prices.take(tick) }

  /// Holds what was said at a close until the next one.
  package mutating func hold(_ made: [Prediction]) { decisions.hold(made) }

  /// - Parameters:
  ///   - point: of the moment, with what trades tell of it.
  ///   - minute: the newest candle by then.
  package func decide(on point: TickPoint, _ minute: ClosedMinute?) -> [Prediction] {
    decisions.decide(on: prices.facts(at: point), at: point.inputs.time, minute)
  }
}
