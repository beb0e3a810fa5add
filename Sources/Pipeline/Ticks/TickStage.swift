package import Market

/// The whole of the tick cadence in one process: what happens between candles in, predictions out. It has no clock and
/// no I/O.
package struct TickStage: Sendable {
  private var points: TickPoints
  private var decisions: TickDecisions

  package init(_ view: MarketView, _ cadence: TickCadence, mode: Prediction.Mode) {
    points = TickPoints(view, cadence)
    decisions = TickDecisions(view, cadence, mode: mode)
  }

  package var series: Series { points.series }

  /// Starts, replaces or (with `nil`) withdraws the version that answers.
  package mutating func serve(_ version: ServedTickVersion?) { decisions.serve(version) }

  /// Sets the versions beside the one that answers.
  package mutating func setArms(_ arms: [ServedArm<ServedTickVersion>]) { decisions.setArms(arms) }

  /// It is so late; to be told before what came then.
  ///
  /// - Returns: the predictions of the newest moment that is due by now, the answer first; none if no moment is.
  package mutating func advance(to now: Timestamp) -> [Prediction] {
    guard let point = point(by: now) else { return [] }
    return decide(on: point)
  }

  /// The first half of `advance`.
  package mutating func point(by now: Timestamp) -> TickPoint? { points.advance(to: now) }

  /// The second half of `advance`.
  package mutating func decide(on point: TickPoint) -> [Prediction] { decisions.decide(on: point) }

  package mutating func take(_ event: TickEvent, at now: Timestamp) { points.take(event, at: now) }

  package mutating func take(_ event: MarketEvent) { points.take(event) }

  /// Does now what the next moment would otherwise wait for: when candles have come, and nothing waits.
  package mutating func prepare() { points.prepare() }
}
