import Market
import Settlement
import Storage

/// Settles live predictions whose outcome is known by now, and sums them up by day.
struct AccuracyRollUp {
  struct Result: Hashable, Sendable {
    var outcomes = 0
    /// Of `prediction_accuracy` that were computed.
    var rows = 0
  }

  /// How far before and after its decisions a target looks, beside its horizon.
  private static let marginMinutes = 60

  let now: Timestamp
  /// Predictions made earlier are left alone.
  let since: Timestamp

  func run(in store: any Store) throws -> Result {
    let outcomes = try settle(in: store)
    guard let first = outcomes.map(\.time).min() else { return Result() }
    return Result(outcomes: outcomes.count, rows: try store.rollUpAccuracy(from: first, at: now))
  }

  /// Stores the outcomes that are known by now of predictions that lack theirs, and returns them.
  func settle(in store: any Store) throws -> [PredictionOutcome] {
    var outcomes: [PredictionOutcome] = []
    for unsettled in try store.predictionsWithoutOutcome(in: since..<now) {
      outcomes += try settle(unsettled, from: store)
    }
    try store.setOutcomes(outcomes)
    return outcomes
  }

  private func settle(
    _ unsettled: UnsettledPredictions, from store: any Store
  ) throws -> [PredictionOutcome] {
    if case .move = unsettled.target { return try settleMoves(unsettled, from: store) }
    let target = SettledTarget(unsettled.target, source: unsettled.view.price)
    let times = unsettled.times.filter { target.labelEnd(decisionTime: $0) <= now }
    guard let first = times.first, let last = times.last else { return [] }
    let reach = unsettled.target.horizonMinutes + Self.marginMinutes
    let range = first.adding(minutes: -reach)..<last.adding(minutes: reach)
    var candles: [Candle] = []
    try store.readCandles(unsettled.view.price, in: range, asOf: .distantFuture) { candles += $0.map(\.candle) }
    let prices = try OutcomePrices(unsettled.view.price, in: range, asOf: .distantFuture, from: store)
    let labels = try target.labels(at: times, prices: prices.path(candles), ticks: prices.ticks)
    return zip(times, labels.values).filter { $0.1.isFinite }.map { time, value in
      PredictionOutcome(time: time, view: unsettled.view, target: unsettled.target, value: value, knownAt: now)
    }
  }

  /// Where the price will be is settled by the price of the last trade that the prediction a horizon later began
  /// with; where none was made then, there is no outcome.
  private func settleMoves(_ unsettled: UnsettledPredictions, from store: any Store) throws -> [PredictionOutcome] {
    let horizon = Int64(unsettled.target.horizonSeconds) * 1_000_000
    let times = unsettled.times.filter { $0.adding(microseconds: horizon) <= now }
    var prices: [Timestamp: Double] = [:]
    for range in Self.ranges(times, reachMicroseconds: horizon) {
      let filter = PredictionFilter(
        range: range, view: unsettled.view, target: unsettled.target, model: .baseline, mode: .live)
      try store.readPredictions(filter) { batch in
        for prediction in batch { prices[prediction.time] = prediction.forecast?.current }
      }
    }
    return times.compactMap { time in
      guard let before = prices[time], let after = prices[time.adding(microseconds: horizon)], before > 0 else {
        return nil
      }
      return PredictionOutcome(
        time: time, view: unsettled.view, target: unsettled.target, value: 100 * (after - before) / before,
        knownAt: now)
    }
  }

  /// What is to be read for these times and as much later, in as many parts as there are between holes: one that will
  /// never have an outcome does not make everything since be read.
  private static func ranges(_ times: [Timestamp], reachMicroseconds: Int64) -> [Range<Timestamp>] {
    var ranges: [Range<Timestamp>] = []
    for time in times {
      let end = time.adding(microseconds: reachMicroseconds + 1)
      if let last = ranges.last, time < last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound..<end
      } else {
        ranges.append(time..<end)
      }
    }
    return ranges
  }
}
