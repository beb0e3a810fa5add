import Dataset
import Features
import Ingestion
import Market
import Pipeline
import Storage

/// What a tape gives to learn from: the points of the tick cadence, made by what makes them live, with what the price did
/// after each.
final class TapeExamples {
  private let view: MarketView
  private let cadence: TickCadence
  private var builder: TickDatasetBuilder
  private var points: TickPoints
  private var trend = PriceTrend()
  /// Called with the number of points so far.
  private let onProgress: (Int) -> Void

  /// - Parameter range: of the points that become rows.
  init(
    _ view: MarketView, _ cadence: TickCadence, range: Range<Timestamp>, onProgress: @escaping (Int) -> Void = { _ in }
  ) {
    (self.view, self.cadence, self.onProgress) = (view, cadence, onProgress)
    points = TickPoints(view, cadence)
    let header = TickDatasetHeader(
      view: view, intervalMilliseconds: cadence.intervalMilliseconds,
      horizonSeconds: TickDecisions.target.horizonSeconds, isSynthetic: view.isSimulated)
    builder = TickDatasetBuilder(view.tradedSeries, header: header, range: range)
  }

  var counts: TickDatasetHeader { builder.counts }

  /// A run of the recorder begins; what it knew of earlier candles comes by `warmUp`.
  func begin(_ recorded: MarketView) throws {
    guard recorded == view else {
      throw CommandError(.badData, "the tape is of \(recorded), not of \(view): name its prices and volumes by --view")
    }
    builder.interrupt()
    points = TickPoints(view, cadence)
    trend = PriceTrend()
  }

  func warmUp(from store: any Store, asOf now: Timestamp) throws {
    guard let first = try store.summary(of: view.price)?.firstOpenTime, first < now else { return }
    try store.readEvents(view, in: first..<now, asOf: now) { points.take($0) }
  }

  /// What a step of the core gave.
  func take(_ output: LiveOutput, at now: Timestamp) {
    builder.advance(to: now)
    if let point = points.advance(to: now) { add(point) }
    for event in output.ticks {
      builder.take(event)
      points.take(event, at: now)
    }
    for event in output.events { points.take(event) }
  }

  /// A silent stream teaches nothing, nor does what was asked for meanwhile.
  private func add(_ point: TickPoint) {
    guard point.source == .direct, let age = point.ageMilliseconds, age <= cadence.maxInputAgeMilliseconds else {
      return
    }
    if let price = point.inputs.price, price > 0 { trend.add(price, at: point.inputs.time) }
    builder.add(point.inputs, trend: trend.price(after: Double(TickDecisions.target.horizonSeconds)))
    if builder.pointCount.isMultiple(of: 256) { onProgress(builder.pointCount) }
  }

  /// Returns the file's SHA-256.
  @discardableResult
  func write(to path: String) throws -> String { try builder.write(to: path) }
}
