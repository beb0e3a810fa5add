import Ingestion
import Market
import Operations
import Platform
import Serving
import Storage

/// Tells the clients of a live feed what it does.
final class Announcer {
  private static let healthSeconds = 5.0
  private static let beatSeconds = 15.0

  private let hub: Hub
  private let pages: HealthPages
  private var toldAt = -Announcer.healthSeconds
  private var beatAt = 0.0
  /// What is wrong with the data and has been told; what grows is not told again.
  private var told: Set<Trouble> = []
  private var states = ServedStates()

  /// What tells one quality event from another.
  private struct Trouble: Hashable {
    let series: Series
    let type: String
    let createdAt: Timestamp
  }

  private let rules: ServingRules
  private let intervals: ProbabilityIntervals

  init(_ hub: Hub, _ status: LiveStatus, _ rules: ServingRules) {
    (self.hub, self.rules, pages, intervals) = (hub, rules, HealthPages(status: status), status.intervals)
  }

  /// - Parameter predictions: those that are served.
  func tell(_ output: LiveOutput, _ predictions: [Prediction]) {
    for event in output.batch.quality { tell(event) }
    for case .candle(let series, let record) in output.events {
      hub.publish(
        .candles, of: series.symbol, key: series.description,
        ["series": .text(series.description), "candle": record.json])
    }
    for prediction in predictions {
      hub.publish(
        .predictions, of: prediction.view.price.symbol,
        key: "\(prediction.target)@\(prediction.view) \(prediction.modelName.rawValue)",
        rules.json(prediction, intervals, at: prediction.time))
    }
    guard let symbol = predictions.first?.view.price.symbol else { return }
    for change in states.changes(in: predictions) {
      hub.publish(Happening(change, of: symbol, at: output.batch.knownAt))
    }
  }

  private func tell(_ event: QualityEvent) {
    let trouble = Trouble(series: event.series, type: event.type, createdAt: event.createdAt)
    if event.resolvedAt != nil { told.remove(trouble) } else if !told.insert(trouble).inserted { return }
    hub.publish(Happening(event))
  }

  func tell(_ served: LiveStart.ServedTarget, of symbol: Symbol, at time: Timestamp) {
    hub.publish(Happening(served, of: symbol, at: time))
  }

  func tell(_ refusal: ModelWatch.Refusal, of symbol: Symbol, at time: Timestamp) {
    hub.publish(Happening(refusal, of: symbol, at: time))
  }

  /// To be called at least once a second.
  func tellHealth(at time: Timestamp) {
    let seconds = SystemClock.seconds()
    if seconds - toldAt >= Self.healthSeconds {
      toldAt = seconds
      hub.publish(.health, of: nil, pages.feeder)
    }
    if seconds - beatAt >= Self.beatSeconds {
      beatAt = seconds
      hub.beat(at: time)
    }
  }
}
